import { type Attack, CHAIN } from '../lab/attack.ts';
import { DAY_MS, NOW_MS } from '../lab/contents.ts';
import { listed, nested, plus, versionAs, withMember } from '../lab/edits.ts';
import { KEYS } from '../lab/keys.ts';
import { type Plan, publish } from '../lab/publication.ts';

/** After the dates of timestamp and snapshot, before those of publishers. */
const LATER_MS = NOW_MS + 31 * DAY_MS;

type Part = 'timestamp' | 'snapshot' | 'targets' | 'tiny';

/** Each document of the chain: its role, its file in the update, and the file that names it. */
const PARTS: readonly { readonly doc: Part; readonly role: string; readonly file: string }[] = [
  { doc: 'timestamp', role: 'timestamp', file: 'timestamp.json' },
  { doc: 'snapshot', role: 'snapshot', file: '20.snapshot.json' },
  { doc: 'targets', role: 'targets', file: '20.targets.json' },
  { doc: 'tiny', role: 'm.tiny', file: '20.m.tiny.json' },
];

/** What is verified, and kept, before a document is looked at. */
const above = (role: string): readonly string[] => CHAIN.slice(0, CHAIN.indexOf(role));

/** A genuine document of the same version that was never part of this view. */
const elsewhere = (doc: Part, file: string): string =>
  publish(2, says(doc, { expires: NOW_MS + 99 * 86_400_000 })).metadata.get(file) ?? '';

const says = (doc: Part, change: object): Plan => ({
  say: { [doc]: (content: object) => ({ ...content, ...change }) },
});

function eachOf({ doc, role, file }: (typeof PARTS)[number]): Attack[] {
  const changes = above(role);
  const isNamed = doc !== 'timestamp';
  return [
    {
      attack: `${role} without a signature`,
      check: `signature of ${role}`,
      code: 'METADATA_UNSIGNED',
      plan: { by: { [doc]: [] } },
      changes,
    },
    {
      attack: `${role} signed by a key that no document names`,
      check: `keys of ${role}`,
      code: 'KEY_UNKNOWN',
      plan: { by: { [doc]: [KEYS.thief] } },
      changes,
    },
    {
      attack: `${role} altered after it was signed`,
      check: `signature of ${role}`,
      code: 'SIGNATURE_INVALID',
      plan: { text: { [doc]: (text: string) => text.replace(/"expires": "20\d\d/, '"expires": "2039') } },
      changes,
    },
    {
      attack: `${role} past its date, served for ever`,
      check: `date of ${role}`,
      code: 'METADATA_EXPIRED',
      plan: says(doc, { expires: NOW_MS }),
      changes,
    },
    {
      attack: `an older ${role}, genuine and in date`,
      check: `version of ${role}`,
      code: 'METADATA_NOT_NEWER',
      plan: says(doc, { version: 9 }),
      // The timestamp or the snapshot already says so.
      changes: doc === 'snapshot' ? [] : ['timestamp'].slice(0, changes.length),
    },
    {
      attack: `no ${role}`,
      check: `presence of ${role}`,
      code: 'METADATA_MISSING',
      plan: { serve: { [file]: () => null } },
      changes,
    },
    ...(isNamed
      ? [
          {
            attack: `${role} of another view (mix and match)`,
            check: `hash of ${role} in the document above`,
            code: 'METADATA_MISMATCH',
            plan: { serve: { [file]: () => elsewhere(doc, file) } },
            changes,
          },
        ]
      : []),
  ];
}

const strict = (what: string, plan: Plan): Attack => ({
  attack: `m.tiny ${what}, signed by its publisher`,
  check: 'strict JSON',
  code: 'METADATA_MALFORMED',
  plan,
  changes: above('m.tiny'),
});

export const METADATA_ATTACKS: readonly Attack[] = [
  ...PARTS.flatMap(eachOf),
  strict('with a key twice in one object', { text: { tiny: withMember('"minReleaseCounter": 0') } }),
  strict('nesting too deep', { json: { tiny: plus('x', nested(16)) } }),
  strict('with its version as a float', { text: { tiny: versionAs('20.0') } }),
  {
    attack: 'a timestamp larger than any needs to be',
    check: 'size of a document',
    code: 'METADATA_TOO_LARGE',
    plan: { json: { timestamp: plus('x', 'x'.repeat(20_000)) } },
  },
  {
    attack: 'a snapshot longer than the timestamp says',
    check: 'length of snapshot in the document above',
    code: 'METADATA_MISMATCH',
    plan: {
      say: {
        timestamp: (one) => ({ ...one, snapshot: { ...one.snapshot, length: one.snapshot.length - 1 } }),
      },
    },
    changes: ['timestamp'],
  },
  {
    attack: 'm.tiny longer than the snapshot says',
    check: 'length of m.tiny in the document above',
    code: 'METADATA_MISMATCH',
    plan: { say: { snapshot: listed('m.tiny.json', (meta) => ({ ...meta, length: meta.length - 1 })) } },
    changes: above('m.tiny'),
  },
  {
    attack: 'a snapshot with only hashes that nobody can check',
    check: 'hash of m.tiny in the document above',
    code: 'METADATA_MISMATCH',
    plan: {
      json: {
        snapshot: (signed) => {
          signed.meta['m.tiny.json'].hashes = { md5: 'ab'.repeat(16) };
          return signed;
        },
      },
    },
    changes: above('m.tiny'),
  },
  {
    attack: 'a newer m.tiny under the version that the snapshot names',
    check: 'version of m.tiny in the document above',
    code: 'METADATA_MISMATCH',
    plan: {
      say: {
        tiny: (content) => ({ ...content, version: 21 }),
        snapshot: listed('m.tiny.json', (meta) => ({ ...meta, version: 20 })),
      },
      serve: { '20.m.tiny.json': (_text, files) => files.get('21.m.tiny.json') ?? null },
    },
    changes: above('m.tiny'),
  },
  {
    attack: 'a newer snapshot under the version that the timestamp names',
    check: 'version of snapshot in the document above',
    code: 'METADATA_MISMATCH',
    plan: {
      say: {
        snapshot: (content) => ({ ...content, version: 21 }),
        timestamp: (content) => ({ ...content, snapshot: { ...content.snapshot, version: 20 } }),
      },
      serve: { '20.snapshot.json': (_text, files) => files.get('21.snapshot.json') ?? null },
    },
    changes: ['timestamp'],
  },
  {
    attack: 'a snapshot that forgets a model',
    check: 'rollback by the snapshot',
    code: 'METADATA_NOT_NEWER',
    plan: {
      say: {
        snapshot: ({ meta: { 'm.other.json': _, ...meta }, ...content }) => ({ ...content, meta }),
      },
    },
    changes: ['timestamp'],
  },
  {
    attack: 'a snapshot in which another model went back',
    check: 'rollback by the snapshot',
    code: 'METADATA_NOT_NEWER',
    plan: { say: { other: (content) => ({ ...content, version: 9 }) } },
    changes: ['timestamp'],
  },
  {
    attack: 'a snapshot that does not list the model',
    check: 'presence of m.tiny',
    code: 'METADATA_MISSING',
    plan: {
      say: {
        assignment: (content) => ({
          ...content,
          models: content.models.map((one) => ({ ...one, model: 'third' })),
        }),
        targets: (content) => ({
          ...content,
          models: [...content.models, { model: 'third', keys: [KEYS.thief.publicKey], threshold: 1 }],
        }),
      },
    },
    changes: above('m.tiny'),
  },
  {
    attack: 'the document of another role as timestamp',
    check: 'form of a document',
    code: 'METADATA_MALFORMED',
    plan: {
      by: { snapshot: [KEYS.timestamp] },
      serve: { 'timestamp.json': (_text, files) => files.get('20.snapshot.json') ?? null },
    },
  },
  {
    attack: 'the timestamp that is known, served for ever',
    check: 'date of timestamp',
    code: 'METADATA_EXPIRED',
    before: { plan: {}, ends: 'INSTALLED' },
    nowMs: LATER_MS,
    plan: {
      say: {
        timestamp: (content) => ({ ...content, version: 20 }),
        assignment: (content) => ({ ...content, expires: LATER_MS + DAY_MS }),
      },
    },
    answers: '1.1.0',
  },
  {
    attack: 'the snapshot that is known, past its date, under a fresh timestamp',
    check: 'date of snapshot',
    code: 'METADATA_EXPIRED',
    before: { plan: {}, ends: 'INSTALLED' },
    nowMs: LATER_MS,
    plan: {
      say: {
        timestamp: (content) => ({ ...content, expires: LATER_MS + DAY_MS }),
        snapshot: (content) => ({ ...content, version: 20 }),
        assignment: (content) => ({ ...content, expires: LATER_MS + DAY_MS }),
      },
    },
    changes: ['timestamp'],
    answers: '1.1.0',
  },
  {
    attack: 'a timestamp of version 0',
    check: 'form of a document',
    code: 'METADATA_MALFORMED',
    plan: { json: { timestamp: plus('version', 0) } },
  },
  {
    attack: 'a timestamp with a date of another form',
    check: 'form of a document',
    code: 'METADATA_MALFORMED',
    plan: { json: { timestamp: plus('expires', '2031-01-01') } },
  },
];
