import type { Attack } from '../lab/attack.ts';
import { type Contents, NOW_MS } from '../lab/contents.ts';
import { onControlDb } from '../lab/disk.ts';
import { without } from '../lab/edits.ts';
import { KEYS, roleOfKeys } from '../lab/keys.ts';

const OURS = [KEYS.rootA, KEYS.rootB];

const damaged = onControlDb("UPDATE trust_documents SET document = 'x' WHERE role = 'root' AND version = 3");

/** The second root starts epoch 2, the third goes back. */
const inEpoch = (content: Contents['root']): Contents['root'] => ({
  ...content,
  director: { ...content.director, epoch: content.version === 2 ? 2 : 1 },
});

/** A second root, which is what decides over everything else. */
export const ROOT_ATTACKS: readonly Attack[] = [
  {
    attack: 'a new root signed by one of three root keys',
    check: 'threshold of the old root',
    code: 'THRESHOLD_NOT_MET',
    plan: { roots: 2, by: { root: [KEYS.rootA] } },
  },
  {
    attack: 'a new root without a signature',
    check: 'signature of root',
    code: 'METADATA_UNSIGNED',
    plan: { roots: 2, by: { root: [] } },
  },
  {
    attack: "a thief's root, signed by the keys that it names",
    check: 'keys of the old root',
    code: 'KEY_UNKNOWN',
    plan: {
      roots: 2,
      say: { root: (content) => ({ ...content, root: roleOfKeys(1, KEYS.thief) }) },
      by: { root: [KEYS.thief] },
    },
  },
  {
    attack: 'a root whose own keys have not signed it',
    check: 'keys of the new root',
    code: 'KEY_UNKNOWN',
    plan: {
      roots: 2,
      say: { root: (content) => ({ ...content, root: roleOfKeys(1, KEYS.fresh) }) },
      by: { root: OURS },
    },
  },
  {
    attack: 'a root that skips a version',
    check: 'version of the new root',
    code: 'METADATA_NOT_NEWER',
    plan: {
      roots: 2,
      say: { root: (content) => ({ ...content, version: 3 }) },
      by: { root: OURS },
    },
  },
  {
    attack: 'the first root again as a second one',
    check: 'version of the new root',
    code: 'METADATA_NOT_NEWER',
    plan: { roots: 2, serve: { '2.root.json': (_text, files) => files.get('1.root.json') ?? null } },
  },
  {
    attack: 'a chain of roots that ends in one past its date',
    check: 'date of root',
    code: 'METADATA_EXPIRED',
    plan: { roots: 2, say: { root: (content) => ({ ...content, expires: NOW_MS }) } },
    changes: ['root 2'],
  },
  {
    attack: 'an old root shown to a device whose newest one is damaged',
    check: 'floor of the chain of roots',
    code: 'METADATA_NOT_NEWER',
    before: { plan: { roots: 3 }, ends: 'INSTALLED' },
    onDisk: damaged,
    plan: { roots: 2 },
    nowMs: NOW_MS + 1_000,
    answers: '1.1.0',
  },
  {
    attack: 'an assignment of a director epoch that was left, under a root that goes back to it',
    check: 'director epoch',
    code: 'ASSIGNMENT_REPLAYED',
    before: {
      plan: {
        roots: 2,
        say: { root: inEpoch, assignment: (content) => ({ ...content, directorEpoch: 2 }) },
      },
      ends: 'INSTALLED',
    },
    plan: { roots: 3, say: { root: inEpoch } },
    changes: ['root 3'],
    answers: '1.1.0',
  },
  {
    attack: 'a root that names no keys for the timestamp',
    check: 'form of root',
    code: 'METADATA_MALFORMED',
    plan: {
      roots: 2,
      json: {
        root: (part) => {
          delete part.roles.timestamp;
          return part;
        },
      },
    },
  },
  {
    attack: 'a root that names no director',
    check: 'form of root',
    code: 'METADATA_MALFORMED',
    plan: { roots: 2, json: { root: without('x-ringfleet-director') } },
  },
  {
    attack: 'what a snapshot key signed that the new root removed',
    check: 'keys of snapshot',
    code: 'KEY_UNKNOWN',
    plan: { roots: 2, say: { root: (content) => ({ ...content, snapshot: roleOfKeys(1, KEYS.fresh) }) } },
    changes: ['root 2', 'timestamp', 'snapshot'],
  },
  {
    attack: 'an assignment of a director key that the new root removed',
    check: 'keys of the director',
    code: 'KEY_UNKNOWN',
    plan: {
      roots: 2,
      say: { root: (content) => ({ ...content, director: { ...roleOfKeys(1, KEYS.fresh), epoch: 2 } }) },
    },
    changes: ['root 2'],
  },
];
