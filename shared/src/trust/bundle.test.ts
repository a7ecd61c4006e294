import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifyAssignment } from './assignment.ts';
import { type BundleCheck, type BundleContent, buildBundle, MAX_BUNDLE_MS, verifyBundle } from './bundle.ts';
import { assignmentPath, checkCarriedFiles } from './bundle-files.ts';
import { peekBundle } from './bundle-format.ts';
import {
  BUNDLE_ROLE,
  type ClientRequest,
  DEFAULT_RULES,
  refresh,
  refreshByBundle,
  type StoredMetadata,
  type Workflow,
} from './client/index.ts';
import { buildSnapshot, buildTimestamp, fileMetaOf } from './online-roles.ts';
import { signDocument } from './signed-document.ts';
import {
  assignmentContent,
  assignmentText,
  DAY_MS,
  DIRECTOR_SIGNER,
  modelRoleText,
  NOW_MS,
  rootText,
  targetsText,
  testSigner,
  trustedRoot,
} from './trust-fixture.ts';

const HASH = 'ab'.repeat(32);
const META = { 'targets.json': fileMetaOf(targetsText()), 'm.tiny.json': fileMetaOf(modelRoleText()) };
const sha256 = (of: string): string => createHash('sha256').update(of).digest('hex');
const content = (changes: Partial<BundleContent> = {}): BundleContent => ({
  fleet: 'lab',
  version: 5,
  directorEpoch: 1,
  issuedAt: NOW_MS - DAY_MS,
  expires: NOW_MS + 30 * DAY_MS,
  devices: ['edge-1', 'edge-2'],
  meta: META,
  files: [{ path: `artifacts/sha256/${HASH}`, length: 9, sha256: HASH }],
  ...changes,
});
const text = (changes: Partial<BundleContent> = {}, signer = DIRECTOR_SIGNER): string =>
  signDocument(buildBundle(content(changes)), [signer]);
const CHECK: BundleCheck = { fleet: 'lab', device: 'edge-1', nowMs: NOW_MS, last: null };
const verify = (document: string, changes: Partial<BundleCheck> = {}) =>
  verifyBundle(trustedRoot(), document, { ...CHECK, ...changes });

describe('a bundle', () => {
  it('is read as it was built', () => {
    expect(verify(text())).toMatchObject({ ...content(), isKnown: false });
  });

  it.each([
    ['of another key', text({}, testSigner('thief')), {}, 'KEY_UNKNOWN'],
    ['altered', text().replace('"version": 5', '"version": 6'), {}, 'SIGNATURE_INVALID'],
    ['of another epoch', text({ directorEpoch: 2 }), {}, 'DIRECTOR_EPOCH_UNKNOWN'],
    ['of another fleet', text({ fleet: 'other' }), {}, 'BUNDLE_NOT_MINE'],
    ['of other devices', text(), { device: 'edge-3' }, 'BUNDLE_NOT_MINE'],
    ['on its last day', text(), { nowMs: NOW_MS + 30 * DAY_MS }, 'BUNDLE_EXPIRED'],
    ['for too long', text({ expires: NOW_MS - DAY_MS + MAX_BUNDLE_MS + 1000 }), {}, 'BUNDLE_LIFE_TOO_LONG'],
    ['that is an assignment', assignmentText(), {}, 'METADATA_MALFORMED'],
  ] as const)('is refused: %s', (_, document, changes, code) => {
    expect(() => verify(document, changes)).toThrow(expect.objectContaining({ code }));
  });

  it('is refused when it is older than the last, or another one of the same version, and known when it is the last', () => {
    const last = verify(text());
    const replayed = expect.objectContaining({ code: 'BUNDLE_REPLAYED' });
    expect(verify(text(), { last }).isKnown).toBe(true);
    expect(verify(text({ version: 6 }), { last }).isKnown).toBe(false);
    expect(() => verify(text({ version: 4 }), { last })).toThrow(replayed);
    expect(() => verify(text({ issuedAt: NOW_MS }), { last })).toThrow(replayed);
    // A new director begins anew (fast-forward recovery).
    expect(verify(text(), { last: { ...last, directorEpoch: 0, version: 999 } }).isKnown).toBe(false);
  });

  it.each([
    ['../bundle.json'],
    ['metadata/../../etc/passwd'],
    ['/etc/passwd'],
    ['metadata/1.root.json/..'],
    ['assignments/a/b.json'],
    ['artifacts/sha256/..'],
    ['results/edge-1.json'],
    ['metadata/0.root.json'],
    ['metadata/1.m.Tiny.json'],
    ['acks/a.json\n'],
  ])('holds no file %j', (path) => {
    const files = [{ path, length: 1, sha256: HASH }];
    expect(() => peekBundle(text({ files }))).toThrow(
      expect.objectContaining({ code: 'METADATA_MALFORMED' }),
    );
  });

  it('names every artifact by its own digest', () => {
    const files = [{ path: `artifacts/sha256/${'cd'.repeat(32)}`, length: 1, sha256: HASH }];
    expect(() => peekBundle(text({ files }))).toThrow(
      expect.objectContaining({ code: 'METADATA_MALFORMED' }),
    );
  });

  it('asks for the files of this device and all metadata, byte for byte', () => {
    const files = [
      { path: 'metadata/1.root.json', length: 1, sha256: sha256('a') },
      { path: assignmentPath('edge-1'), length: 1, sha256: sha256('b') },
      { path: assignmentPath('edge-2'), length: 1, sha256: sha256('c') },
    ];
    const carried = { 'metadata/1.root.json': 'a', [assignmentPath('edge-1')]: 'b' };
    const check = (more: Record<string, string>) => () =>
      checkCarriedFiles(content({ files }), 'edge-1', { ...carried, ...more });
    expect(check({})).not.toThrow();
    expect(check({ 'metadata/1.root.json': 'x' })).toThrow(
      expect.objectContaining({ code: 'BUNDLE_FILE_CORRUPT' }),
    );
    expect(() => checkCarriedFiles(content({ files }), 'edge-1', {})).toThrow(
      expect.objectContaining({ code: 'BUNDLE_INCOMPLETE' }),
    );
  });

  it('stands in for the date of an assignment, and for nothing else of it', () => {
    const old = assignmentText({ expires: NOW_MS - 1_000 });
    const check = { device: 'edge-1', fleet: 'lab', nowMs: NOW_MS, last: null, isVouchedFor: true };
    const root = trustedRoot();
    expect(verifyAssignment(root, old, check).generation).toBe(assignmentContent().generation);
    expect(() => verifyAssignment(root, old, { ...check, isVouchedFor: false })).toThrow(
      expect.objectContaining({ code: 'METADATA_EXPIRED' }),
    );
    expect(() => verifyAssignment(root, old, { ...check, device: 'edge-2' })).toThrow(
      expect.objectContaining({ code: 'ASSIGNMENT_NOT_MINE' }),
    );
  });
});

const bytes = (document: string): Uint8Array => Buffer.from(document);
const stored = (roles: Record<string, string> = {}): StoredMetadata => ({
  factoryRoot: bytes(rootText()),
  root: null,
  rootFloor: 0,
  roles: new Map(Object.entries(roles).map(([role, document]) => [role, bytes(document)])),
});

/** Drives a workflow over these files; answers what it kept. */
function drive<T>(workflow: Workflow<T>, files: Record<string, string>): string[] {
  const kept: string[] = [];
  let reply: Uint8Array | null | undefined;
  for (;;) {
    const step = workflow.next(reply);
    if (step.done) return kept;
    const request: ClientRequest = step.value;
    reply = undefined;
    if (request.type === 'fetch')
      reply = files[request.file] === undefined ? null : bytes(files[request.file] ?? '');
    else if (request.type === 'keep') kept.push(request.role);
  }
}

const snapshot = (version: number, meta: BundleContent['meta'] = META): string =>
  signDocument(buildSnapshot({ version, expires: NOW_MS + 30 * DAY_MS, meta }), [DIRECTOR_SIGNER]);
const FILES = { '1.targets.json': targetsText() };
const carry = (document: string, roles: Record<string, string> = {}, nowMs = NOW_MS): string[] =>
  drive(refreshByBundle(stored(roles), document, { ...CHECK, nowMs }, DEFAULT_RULES), FILES);

describe('the chain under a bundle', () => {
  it('is verified to its targets, and the bundle is kept as the measure of the next', () => {
    expect(carry(text())).toEqual(['targets', BUNDLE_ROLE]);
  });

  const back = (model: number): BundleContent['meta'] => ({
    ...META,
    'm.tiny.json': { ...META['m.tiny.json'], version: model },
  });
  const notNewer = expect.objectContaining({ code: 'METADATA_NOT_NEWER' });

  it('may not go back behind what came over the network', () => {
    const online = { snapshot: snapshot(3, back(9)) };
    expect(() => carry(text(), online)).toThrow(notNewer);
    expect(() => carry(text({ meta: { 'targets.json': META['targets.json'] } }), online)).toThrow(notNewer);
  });

  it('may not go back behind an earlier bundle, unless its director is gone', () => {
    const earlier = text({ meta: back(9) });
    expect(() => carry(text({ version: 6 }), { [BUNDLE_ROLE]: earlier })).toThrow(notNewer);
    const gone = text({ meta: back(9) }, testSigner('earlier director'));
    expect(carry(text({ version: 6 }), { [BUNDLE_ROLE]: gone })).toContain(BUNDLE_ROLE);
  });

  it('keeps the network from going back behind it as well', () => {
    const online = (meta: BundleContent['meta'] = META) => {
      const view = snapshot(1, meta);
      const timestamp = buildTimestamp({ version: 1, expires: NOW_MS + DAY_MS, snapshot: fileMetaOf(view) });
      return {
        ...FILES,
        '1.snapshot.json': view,
        'timestamp.json': signDocument(timestamp, [DIRECTOR_SIGNER]),
      };
    };
    const after = stored({ [BUNDLE_ROLE]: text({ meta: back(9) }) });
    expect(() => drive(refresh(after, NOW_MS, DEFAULT_RULES), online())).toThrow(notNewer);
    expect(drive(refresh(after, NOW_MS, DEFAULT_RULES), online(back(9)))).toContain('snapshot');
  });

  it('moves a clock that stands before it to when it was signed', () => {
    // Targets of the fixture live a day from NOW_MS: by the clock of 1970 nothing would ever be past its date.
    const late = text({ issuedAt: NOW_MS + 2 * DAY_MS, expires: NOW_MS + 3 * DAY_MS });
    expect(() => carry(late, {}, 0)).toThrow(expect.objectContaining({ code: 'METADATA_EXPIRED' }));
  });

  it('refuses the targets that the bundle does not name', () => {
    const meta = { ...META, 'targets.json': { ...META['targets.json'], sha256: HASH } };
    expect(() => carry(text({ meta }))).toThrow(expect.objectContaining({ code: 'METADATA_MISMATCH' }));
  });
});
