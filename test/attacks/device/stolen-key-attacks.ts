import { type Attack, CHAIN } from '../lab/attack.ts';
import { signed } from '../lab/contents.ts';
import { assigning } from '../lab/edits.ts';
import { KEYS, roleOfKeys } from '../lab/keys.ts';
import { makeRelease } from '../lab/releases.ts';

/** Bytes that no publisher signed, under a version that one did. */
const PLANTED = makeRelease('1.1.0', 4, (manifest) => ({ ...manifest, description: 'planted' }));
const planted = assigning({
  manifestLength: PLANTED.manifest.bytes.length,
  manifestSha256: PLANTED.manifest.sha256,
});
const plantedToo = (releases: readonly ReturnType<typeof signed>[]) =>
  releases.map((one) =>
    one.version === '1.1.0'
      ? { ...one, length: PLANTED.manifest.bytes.length, sha256: PLANTED.manifest.sha256 }
      : one,
  );
const FAR = 1_000_000_000;

/** Who has which key, and how far that goes: the claim at the top of the page. */
export const STOLEN_KEY_ATTACKS: readonly Attack[] = [
  {
    attack: 'stolen director key: bytes of its own',
    check: 'director = publisher',
    code: 'ASSIGNMENT_MISMATCH',
    plan: { say: { assignment: planted }, blobs: [PLANTED.manifest, PLANTED.weights] },
    changes: CHAIN,
  },
  {
    attack: 'stolen snapshot and timestamp keys: an assignment',
    check: 'keys of the director',
    code: 'KEY_UNKNOWN',
    plan: { by: { assignment: [KEYS.snapshot, KEYS.timestamp] } },
  },
  {
    attack: 'stolen snapshot and timestamp keys: releases',
    check: 'keys of m.tiny',
    code: 'KEY_UNKNOWN',
    plan: { by: { tiny: [KEYS.snapshot, KEYS.timestamp] } },
    changes: ['timestamp', 'snapshot', 'targets'],
  },
  {
    attack: 'stolen snapshot and timestamp keys: a view that goes back behind a raised floor',
    check: 'rollback by the snapshot',
    code: 'METADATA_NOT_NEWER',
    plan: { say: { tiny: (content) => ({ ...content, version: 9, minReleaseCounter: 0 }) } },
    changes: ['timestamp'],
  },
  {
    attack: 'the whole server with all online keys: bytes of its own, on both sides',
    check: 'keys of m.tiny',
    code: 'KEY_UNKNOWN',
    plan: {
      say: {
        assignment: planted,
        tiny: (content) => ({ ...content, releases: plantedToo(content.releases) }),
      },
      by: { tiny: [KEYS.snapshot, KEYS.timestamp, KEYS.director] },
      blobs: [PLANTED.manifest, PLANTED.weights],
    },
    changes: ['timestamp', 'snapshot', 'targets'],
  },
  {
    attack: 'the whole server with all online keys: a delegation to itself',
    check: 'keys of targets',
    code: 'KEY_UNKNOWN',
    plan: {
      say: {
        assignment: planted,
        tiny: (content) => ({ ...content, releases: plantedToo(content.releases) }),
        targets: (content) => ({ ...content, models: [{ model: 'tiny', ...roleOfKeys(1, KEYS.thief) }] }),
      },
      by: { tiny: [KEYS.thief], targets: [KEYS.snapshot, KEYS.timestamp, KEYS.director] },
      blobs: [PLANTED.manifest, PLANTED.weights],
    },
    changes: ['timestamp', 'snapshot'],
  },
  {
    attack: 'the whole server with all online keys: a release below the floor',
    check: 'floor of the publisher',
    code: 'RELEASE_BELOW_FLOOR',
    plan: { say: { assignment: assigning(releaseOf('0.9.0')) } },
    changes: CHAIN,
  },
  {
    attack: 'the whole server with all online keys: no release at all, by a view without the model',
    check: 'rollback by the snapshot',
    code: 'METADATA_NOT_NEWER',
    plan: {
      say: { snapshot: ({ meta: { 'm.tiny.json': _, ...meta }, ...content }) => ({ ...content, meta }) },
    },
    changes: ['timestamp'],
  },
  {
    attack:
      'a timestamp of a far version by a stolen key, then the genuine one: withheld until the key is revoked',
    check: 'version of timestamp',
    code: 'METADATA_NOT_NEWER',
    before: { plan: { say: { timestamp: (content) => ({ ...content, version: FAR }) } }, ends: 'INSTALLED' },
    plan: {},
    answers: '1.1.0',
  },
  {
    attack:
      'a far version and generation by a stolen director key, then the genuine one: withheld until it is revoked',
    check: 'version of the assignment',
    code: 'ASSIGNMENT_REPLAYED',
    before: {
      plan: { say: { assignment: (content) => ({ ...content, tufVersion: FAR, generation: FAR }) } },
      ends: 'INSTALLED',
    },
    plan: {},
    answers: '1.1.0',
  },
];

/** What the claim leaves to a thief, and how a fleet comes back: these go through. */
export const ALLOWED: readonly Attack[] = [
  {
    attack: 'the whole server can move a device to any signed release above its floor',
    check: '',
    code: 'INSTALLED',
    plan: { say: { assignment: assigning(releaseOf('1.0.5')) } },
    answers: '1.0.5',
  },
  {
    attack: 'the whole server can remove a model',
    check: '',
    code: 'REMOVED',
    plan: { say: { assignment: (content) => ({ ...content, models: [] }) } },
    answers: 'MODEL_UNKNOWN',
  },
  {
    attack: 'a device comes back from a far timestamp when a root removes the key',
    check: '',
    code: 'INSTALLED',
    before: { plan: { say: { timestamp: (content) => ({ ...content, version: FAR }) } }, ends: 'INSTALLED' },
    plan: {
      roots: 2,
      say: { root: (content) => ({ ...content, timestamp: roleOfKeys(1, KEYS.fresh) }) },
      by: { timestamp: [KEYS.fresh] },
    },
  },
  {
    attack: 'a device comes back from a far assignment when a root starts a new director epoch',
    check: '',
    code: 'INSTALLED',
    before: {
      plan: { say: { assignment: (content) => ({ ...content, tufVersion: FAR, generation: FAR }) } },
      ends: 'INSTALLED',
    },
    plan: {
      roots: 2,
      say: {
        root: (content) => ({ ...content, director: { ...roleOfKeys(1, KEYS.fresh), epoch: 2 } }),
        assignment: (content) => ({ ...content, directorEpoch: 2 }),
      },
      by: { assignment: [KEYS.fresh] },
    },
  },
  {
    attack: 'a device comes back from a far floor when a new publisher signs',
    check: '',
    code: 'INSTALLED',
    before: {
      plan: { say: { tiny: (content) => ({ ...content, version: FAR, minReleaseCounter: 4 }) } },
      ends: 'INSTALLED',
    },
    plan: {
      roots: 2,
      say: {
        // A view that had gone too far is a new one, so its keys change as well.
        root: (content) => ({
          ...content,
          snapshot: roleOfKeys(1, KEYS.fresh),
          timestamp: roleOfKeys(1, KEYS.fresh),
        }),
        targets: (content) => ({ ...content, models: [{ model: 'tiny', ...roleOfKeys(1, KEYS.fresh) }] }),
        assignment: assigning(releaseOf('1.0.5')),
      },
      by: { snapshot: [KEYS.fresh], timestamp: [KEYS.fresh], tiny: [KEYS.fresh] },
    },
    answers: '1.0.5',
  },
];

function releaseOf(version: string) {
  const { releaseCounter, length, sha256 } = signed(version);
  return { version, releaseCounter, manifestLength: length, manifestSha256: sha256 };
}
