import { describe, expect, it } from 'vitest';
import {
  assignmentContentHash,
  peekAssignment,
  readStoredAssignment,
  verifyAssignment,
} from './assignment.ts';
import { crossCheck } from './cross-check.ts';
import { addSignature } from './signed-document.ts';
import {
  ASSIGNED,
  assignmentContent,
  assignmentText,
  DIRECTOR_SIGNER,
  modelRoleContent,
  NOW_MS,
  RELEASE,
  TINY_SIGNER,
  trustedRoot,
} from './trust-fixture.ts';
import type { AcceptedAssignment, Assignment, AssignmentModel } from './types.ts';

const code = (code: string) => expect.objectContaining({ code });
const verify = (text: string, last: AcceptedAssignment | null = null): Assignment =>
  verifyAssignment(trustedRoot(), text, { device: 'edge-1', fleet: 'lab', nowMs: NOW_MS, last });
const tampered = (change: (document: { signed: Record<string, unknown> }) => void): string => {
  const document = JSON.parse(assignmentText());
  change(document);
  return JSON.stringify(document);
};

describe('assignment', () => {
  it('carries everything the director wrote', () => {
    const assignment = verify(assignmentText());
    expect(assignment).toEqual({ ...assignmentContent(), contentHash: expect.stringMatching(/^sha256:/) });
    expect(readStoredAssignment(assignmentText())).toEqual(assignment);
    expect(peekAssignment(assignmentText())).toEqual({ directorEpoch: 1, tufVersion: 9, generation: 7 });
  });

  it('may be empty: the device is to run nothing', () => {
    expect(verify(assignmentText({ models: [] })).models).toEqual([]);
  });

  it.each([
    ['SIGNATURE_INVALID', 'altered bytes', tampered((d) => Object.assign(d.signed, { version: 10 }))],
    ['METADATA_UNSIGNED', 'no signature', tampered((d) => Object.assign(d, { signatures: [] }))],
    ['KEY_UNKNOWN', "a publisher's key", assignmentText({}, TINY_SIGNER)],
    ['ASSIGNMENT_NOT_MINE', 'another device', assignmentText({ device: 'edge-2' })],
    ['ASSIGNMENT_NOT_MINE', 'another fleet', assignmentText({ fleet: 'other' })],
    ['METADATA_EXPIRED', 'one past its date', assignmentText({ expires: NOW_MS })],
    ['DIRECTOR_EPOCH_UNKNOWN', 'another epoch', assignmentText({ directorEpoch: 2 })],
    [
      'METADATA_MALFORMED',
      'a model twice',
      assignmentText({ models: [ASSIGNED, { ...ASSIGNED, version: '2.0.0' }] }),
    ],
    ['METADATA_MALFORMED', 'no variants', assignmentText({ models: [{ ...ASSIGNED, variants: [] }] })],
  ])('%s for %s', (expected, _, text) => {
    expect(() => verify(text)).toThrow(code(expected));
  });

  it('refuses a path that is not that of its release, even when signed', () => {
    const text = tampered(({ signed }) => {
      const targets = signed['targets'] as Record<string, unknown>;
      targets['models/tiny/9.9.9/manifest.json'] = targets['models/tiny/1.0.0/manifest.json'];
      delete targets['models/tiny/1.0.0/manifest.json'];
    });
    expect(() => verify(addSignature(text, DIRECTOR_SIGNER))).toThrow(code('ASSIGNMENT_MISMATCH'));
  });

  it('is accepted once; a copy and an older one are replays', () => {
    const last = verify(assignmentText());
    expect(() => verify(assignmentText(), last)).toThrow(code('ASSIGNMENT_REPLAYED'));
    expect(() => verify(assignmentText({ tufVersion: 8 }), last)).toThrow(code('ASSIGNMENT_REPLAYED'));
    expect(() => verify(assignmentText({ tufVersion: 8, generation: 8 }), last)).toThrow(
      code('ASSIGNMENT_REPLAYED'),
    );
  });

  it('is renewed under the same generation while its content stays', () => {
    const last = verify(assignmentText());
    const models = [{ ...ASSIGNED, installBefore: ASSIGNED.installBefore + 1 }];
    expect(verify(assignmentText({ tufVersion: 10, issuedAt: NOW_MS, models }), last).contentHash).toBe(
      last.contentHash,
    );
  });

  it('stands for the same content in whatever order its models are', () => {
    const other = { ...ASSIGNED, model: 'keyword' };
    const [one, two] = [
      [ASSIGNED, other],
      [other, ASSIGNED],
    ].map((models) => assignmentContentHash(assignmentContent({ models })));
    expect(one).toBe(two);
  });

  it('needs a new generation for other content', () => {
    const last = verify(assignmentText());
    const models = [{ ...ASSIGNED, attempt: 2 }];
    expect(() => verify(assignmentText({ tufVersion: 10, models }), last)).toThrow(
      code('GENERATION_CONFLICT'),
    );
    expect(() => verify(assignmentText({ tufVersion: 10, generation: 6 }), last)).toThrow(
      code('GENERATION_CONFLICT'),
    );
    expect(verify(assignmentText({ tufVersion: 10, generation: 8, models }), last).generation).toBe(8);
  });

  it('starts over with a lower version under a newer epoch only', () => {
    const last = { ...verify(assignmentText()), directorEpoch: 0 };
    expect(verify(assignmentText({ tufVersion: 1 }), last).tufVersion).toBe(1);
  });
});

describe('cross-check of assignment and publisher', () => {
  const check = (changes: Partial<AssignmentModel>, role = modelRoleContent(), floor = 0) =>
    crossCheck(
      verify(assignmentText({ models: [{ ...ASSIGNED, ...changes }] })),
      new Map([['tiny', role]]),
      new Map([['tiny', floor]]),
    );

  it('gives what both sides agree on', () => {
    expect(check({})).toEqual([
      {
        ...ASSIGNED,
        digest: `sha256:${RELEASE.sha256}`,
        path: 'models/tiny/1.0.0/manifest.json',
        minReleaseCounter: 2,
      },
    ]);
  });

  it.each([
    ['length', { manifestLength: 2_001 }],
    ['sha256', { manifestSha256: 'ac'.repeat(32) }],
    ['releaseCounter', { releaseCounter: 4 }],
  ])('refuses another %s', (field, change) => {
    expect(() => check(change)).toThrow(
      expect.objectContaining({ code: 'ASSIGNMENT_MISMATCH', at: expect.stringContaining(field) }),
    );
  });

  it('refuses what no publisher signed', () => {
    expect(() => check({ version: '1.0.1' })).toThrow(code('RELEASE_NOT_SIGNED'));
    expect(() => crossCheck(verify(assignmentText()), new Map(), new Map())).toThrow(
      code('RELEASE_NOT_SIGNED'),
    );
    expect(() => check({}, modelRoleContent({ model: 'keyword' }))).toThrow(code('RELEASE_NOT_SIGNED'));
  });

  it("refuses what is below the device's floor or the publisher's floor of today", () => {
    expect(check({}, modelRoleContent(), 3)).toHaveLength(1);
    expect(() => check({}, modelRoleContent(), 4)).toThrow(code('RELEASE_BELOW_FLOOR'));
    expect(() => check({}, modelRoleContent({ minReleaseCounter: 4 }))).toThrow(code('RELEASE_BELOW_FLOOR'));
  });
});
