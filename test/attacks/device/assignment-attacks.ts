import { type Attack, CHAIN } from '../lab/attack.ts';
import { assigned, type assignmentContent, NOW_MS } from '../lab/contents.ts';
import { assigning, nested, plus, versionAs, withMember } from '../lab/edits.ts';
import { KEYS } from '../lab/keys.ts';

const says = (change: Partial<ReturnType<typeof assignmentContent>>) => ({
  say: { assignment: (content: ReturnType<typeof assignmentContent>) => ({ ...content, ...change }) },
});

/** The assignment alone: nothing may move, and nothing else is asked for. */
export const ASSIGNMENT_ATTACKS: readonly Attack[] = [
  {
    attack: 'an assignment that was altered after it was signed',
    check: 'signature',
    code: 'SIGNATURE_INVALID',
    plan: { text: { assignment: (text) => text.replace('"attempt": 0', '"attempt": 1') } },
  },
  {
    attack: 'an assignment without a signature',
    check: 'signature',
    code: 'METADATA_UNSIGNED',
    plan: { by: { assignment: [] } },
  },
  {
    attack: 'an assignment signed by a key that no document names',
    check: 'keys of the director',
    code: 'KEY_UNKNOWN',
    plan: { by: { assignment: [KEYS.thief] } },
  },
  {
    attack: 'an assignment signed by the publisher of the model',
    check: 'keys of the director',
    code: 'KEY_UNKNOWN',
    plan: { by: { assignment: [KEYS.tinyA, KEYS.tinyB] } },
  },
  {
    attack: 'the assignment of another device',
    check: 'addressee',
    code: 'ASSIGNMENT_NOT_MINE',
    plan: says({ device: 'd-2' }),
  },
  {
    attack: 'the assignment of the device of this name in another fleet',
    check: 'addressee',
    code: 'ASSIGNMENT_NOT_MINE',
    plan: says({ fleet: 'yard' }),
  },
  ...(['memoryBytes', 'loadMs', 'inferMs'] as const).map((limit) => ({
    attack: `an assignment that allows more ${limit} than the publisher signed`,
    check: 'limits of the assignment',
    code: 'LIMITS_LOOSENED',
    plan: says({ models: [{ ...assigned('1.1.0'), limits: { [limit]: 9_000_000_000_000 } }] }),
    changes: ['assignment', ...CHAIN],
  })),
  {
    attack: 'an assignment past its date',
    check: 'date of the assignment',
    code: 'METADATA_EXPIRED',
    plan: says({ expires: NOW_MS - 1_000 }),
  },
  {
    attack: 'an older assignment, replayed',
    check: 'version of the assignment',
    code: 'ASSIGNMENT_REPLAYED',
    plan: says({ tufVersion: 9, generation: 9 }),
  },
  {
    attack: 'another assignment under the version that is accepted',
    check: 'version of the assignment',
    code: 'ASSIGNMENT_REPLAYED',
    plan: says({ tufVersion: 10 }),
  },
  {
    attack: 'a newer assignment of an older generation',
    check: 'generation',
    code: 'GENERATION_CONFLICT',
    plan: says({ generation: 9 }),
  },
  {
    attack: 'the accepted generation with other content',
    check: 'content of a generation',
    code: 'GENERATION_CONFLICT',
    plan: says({ generation: 10 }),
  },
  {
    attack: 'an assignment of a director epoch that no root names',
    check: 'director epoch',
    code: 'DIRECTOR_EPOCH_UNKNOWN',
    plan: says({ directorEpoch: 2 }),
  },
  {
    attack: 'the head of the accepted assignment under another director epoch',
    check: 'director epoch',
    code: 'DIRECTOR_EPOCH_UNKNOWN',
    plan: says({ directorEpoch: 2, tufVersion: 10, generation: 10 }),
  },
  {
    attack: 'an assignment with a key twice in one object',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: { text: { assignment: withMember('"version": 9') } },
  },
  {
    attack: 'an assignment that nests too deep',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: { json: { assignment: plus('x', nested(16)) } },
  },
  {
    attack: 'an assignment with its version as a float',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: { text: { assignment: versionAs('20.0') } },
  },
  {
    attack: 'an assignment with its version in exponent form',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: { text: { assignment: versionAs('2e1') } },
  },
  {
    attack: 'an assignment with its version in capital exponent form',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: { text: { assignment: versionAs('2E1') } },
  },
  {
    attack: 'an assignment with a number beyond exact integers',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: { json: { assignment: plus('x', 2 ** 53) } },
  },
  {
    attack: 'an assignment with half a character in a string',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: {
      json: { assignment: plus('x', '\ufffd') },
      text: { assignment: (text) => text.replace('\ufffd', '\\ud800') },
    },
  },
  {
    attack: 'an assignment with half a character in a key',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: {
      json: { assignment: plus('\ufffd', 1) },
      text: { assignment: (text) => text.replace('\ufffd', '\\ud800') },
    },
  },
  {
    attack: 'an assignment with a key __proto__',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: { json: { assignment: (signed) => ({ ...signed, x: JSON.parse('{"__proto__": {"a": 1}}') }) } },
  },
  {
    attack: 'an assignment that breaks off in the middle of a string',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: { text: { assignment: (text) => text.slice(0, text.indexOf('ssignment')) } },
  },
  {
    attack: 'an assignment with something beside what is signed',
    check: 'form of a document',
    code: 'METADATA_MALFORMED',
    plan: { text: { assignment: (text) => text.replace('"signed"', '"unsigned": {}, "signed"') } },
  },
  {
    attack: 'an assignment with its version in quotes',
    check: 'form of a document',
    code: 'METADATA_MALFORMED',
    plan: { json: { assignment: plus('version', '20') } },
  },
  {
    attack: 'an assignment with another document behind it',
    check: 'strict JSON',
    code: 'METADATA_MALFORMED',
    plan: { text: { assignment: (text) => `${text}{}` } },
  },
  {
    attack: 'an assignment larger than any needs to be, over MQTT',
    check: 'size of a document',
    code: 'METADATA_TOO_LARGE',
    isOffered: true,
    plan: { json: { assignment: plus('x', 'x'.repeat(600_000)) } },
  },
  {
    attack: 'an assignment whose characters fit and whose bytes do not, over MQTT',
    check: 'size of a document',
    code: 'METADATA_TOO_LARGE',
    isOffered: true,
    plan: { json: { assignment: plus('x', 'é'.repeat(300_000)) } },
  },
  {
    attack: 'an assignment with two signatures of one key',
    check: 'form of a document',
    code: 'METADATA_MALFORMED',
    plan: { by: { assignment: [KEYS.director, KEYS.director] } },
  },
  {
    attack: 'an assignment for a model whose name is a path',
    check: 'form of the assignment',
    code: 'METADATA_MALFORMED',
    plan: { say: { assignment: assigning({ model: '../tiny' }) } },
  },
  {
    attack: 'an assignment of a version that is a path',
    check: 'form of the assignment',
    code: 'METADATA_MALFORMED',
    plan: { say: { assignment: assigning({ version: '../1.1.0' }) } },
  },
  {
    attack: 'an assignment under a path outside of its model',
    check: 'path = model and version',
    code: 'ASSIGNMENT_MISMATCH',
    plan: {
      json: {
        assignment: (signed) => ({
          ...signed,
          targets: { 'models/tiny/1.1.0/../../x': Object.values(signed.targets)[0] },
        }),
      },
    },
  },
  {
    attack: 'an assignment that lists one model twice',
    check: 'one release per model',
    code: 'METADATA_MALFORMED',
    plan: says({ models: [assigned('1.1.0'), assigned('1.0.5')] }),
  },
  {
    attack: 'the document of another role as assignment',
    check: 'form of the assignment',
    code: 'METADATA_MALFORMED',
    plan: {
      serve: { assignment: (_text, files) => files.get('20.targets.json') ?? null },
      by: { targets: [KEYS.director] },
    },
  },
];
