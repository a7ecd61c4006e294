import { generateKeyPairSync, sign } from 'node:crypto';
import { type Attack, CHAIN } from '../lab/attack.ts';
import { signed } from '../lab/contents.ts';
import { onControlDb } from '../lab/disk.ts';
import { assigning, without } from '../lab/edits.ts';
import { KEYS, roleOfKeys } from '../lab/keys.ts';
import type { Json } from '../lab/publication.ts';

const BEFORE_TINY = ['timestamp', 'snapshot', 'targets'];
const PAIR = generateKeyPairSync('ec', { namedCurve: 'P-256' });
/** A publisher who would be right anywhere else in the world of TUF. */
const FOREIGN = {
  ...KEYS.tinyA,
  keyid: 'e'.repeat(64),
  sign: (bytes: Uint8Array) => sign('sha256', bytes, PAIR.privateKey),
};

function withForeignKey(targets: Json): Json {
  const { keys, roles } = targets.delegations;
  const pem = PAIR.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  keys[FOREIGN.keyid] = { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem } };
  Object.assign(
    roles.find((one: Json) => one.name === 'm.tiny'),
    { keyids: [FOREIGN.keyid], threshold: 1 },
  );
  return targets;
}

const SECOND_ID = 'f'.repeat(64);

/** One key under two ids, as if it were two publishers. */
function withTwin(targets: Json): Json {
  const { keys, roles } = targets.delegations;
  const role = roles.find((one: Json) => one.name === 'm.tiny');
  keys[SECOND_ID] = keys[KEYS.tinyA.keyid];
  role.keyids = [KEYS.tinyA.keyid, SECOND_ID];
  return targets;
}

/** Says something else of one publisher's key. */
const withKey =
  (change: object) =>
  (targets: Json): Json => {
    const { keys } = targets.delegations;
    keys[KEYS.tinyA.keyid] = { ...keys[KEYS.tinyA.keyid], ...change };
    return targets;
  };

const delegation = (what: string, change: (role: Json) => void): Attack => ({
  attack: `a delegation ${what}`,
  check: 'one terminating delegation per model',
  code: 'METADATA_MALFORMED',
  plan: {
    json: {
      targets: (targets) => {
        change(targets.delegations.roles.find((one: Json) => one.name === 'm.tiny'));
        return targets;
      },
    },
  },
  changes: CHAIN,
});

const malformed = (attack: string, check: string, plan: Attack['plan']): Attack => ({
  attack,
  check,
  code: 'METADATA_MALFORMED',
  plan,
  changes: CHAIN,
});

/** What publishers sign, and what only some of them sign. */
export const PUBLISHER_ATTACKS: readonly Attack[] = [
  {
    attack: 'a release signed by one of two publishers',
    check: 'threshold of the model',
    code: 'THRESHOLD_NOT_MET',
    plan: { by: { tiny: [KEYS.tinyA] } },
    changes: BEFORE_TINY,
  },
  {
    attack: 'a release signed by one of two publishers and by a thief',
    check: 'threshold of the model',
    code: 'THRESHOLD_NOT_MET',
    plan: { by: { tiny: [KEYS.tinyA, KEYS.thief] } },
    changes: BEFORE_TINY,
  },
  {
    attack: 'a release signed twice by the same key',
    check: 'form of a document',
    code: 'METADATA_MALFORMED',
    plan: { by: { tiny: [KEYS.tinyA, KEYS.tinyA] } },
    changes: BEFORE_TINY,
  },
  {
    attack: 'a release signed twice by the same key under two ids',
    check: 'threshold of the model',
    code: 'THRESHOLD_NOT_MET',
    plan: {
      json: { targets: withTwin },
      by: { tiny: [KEYS.tinyA, { ...KEYS.tinyA, keyid: SECOND_ID }] },
    },
    // The keys of the stored role are not those of today any more.
    changes: [...BEFORE_TINY, 'floor of tiny'],
  },
  {
    attack: 'a release signed by a key that is said to be of another type',
    check: 'only ed25519 keys count',
    code: 'THRESHOLD_NOT_MET',
    plan: { json: { targets: withKey({ keytype: 'ecdsa' }) } },
    changes: [...BEFORE_TINY, 'floor of tiny'],
  },
  {
    attack: 'a release signed by a key that is said to sign by another scheme',
    check: 'only ed25519 keys count',
    code: 'THRESHOLD_NOT_MET',
    plan: { json: { targets: withKey({ scheme: 'ecdsa-sha2-nistp256' }) } },
    changes: [...BEFORE_TINY, 'floor of tiny'],
  },
  {
    attack: 'a release signed by the publisher of another model',
    check: 'keys of m.tiny',
    code: 'KEY_UNKNOWN',
    plan: { by: { tiny: [KEYS.other] } },
    changes: BEFORE_TINY,
  },
  {
    attack: 'a release that only a revoked publisher signed',
    check: 'keys of m.tiny',
    code: 'KEY_UNKNOWN',
    plan: {
      say: {
        targets: (content) => ({ ...content, models: [{ model: 'tiny', ...roleOfKeys(1, KEYS.fresh) }] }),
      },
    },
    changes: [...BEFORE_TINY, 'floor of tiny'],
  },
  {
    attack: 'a release of a model that is not delegated any more',
    check: 'delegation of the model',
    code: 'MODEL_NOT_DELEGATED',
    plan: {
      say: {
        targets: (content) => ({ ...content, models: [{ model: 'other', ...roleOfKeys(1, KEYS.other) }] }),
      },
    },
    changes: BEFORE_TINY,
  },
  {
    attack: 'a release below the floor that was committed',
    check: 'floor of the device',
    code: 'RELEASE_BELOW_FLOOR',
    plan: {
      say: {
        tiny: (content) => ({ ...content, minReleaseCounter: 0 }),
        assignment: assigning(release('0.9.0')),
      },
    },
    changes: CHAIN,
  },
  {
    attack: 'a release below the floor that its publisher raised today',
    check: 'floor of the publisher',
    code: 'RELEASE_BELOW_FLOOR',
    plan: {
      say: {
        tiny: (content) => ({ ...content, minReleaseCounter: 4 }),
        assignment: assigning(release('1.0.5')),
      },
    },
    changes: CHAIN,
  },
  malformed('custom fields of a release that name another model', 'custom = path', {
    json: {
      tiny: (part) => {
        part.targets['models/tiny/1.1.0/manifest.json'].custom.model = 'other';
        return part;
      },
    },
  }),
  malformed('custom fields of a release that name another version', 'custom = path', {
    json: {
      tiny: (part) => {
        part.targets['models/tiny/1.1.0/manifest.json'].custom.version = '1.2.0';
        return part;
      },
    },
  }),
  malformed('a release under a path outside of its model', 'custom = path', {
    json: {
      tiny: (part) => {
        part.targets['models/tiny/../other/manifest.json'] = part.targets['models/tiny/1.1.0/manifest.json'];
        return part;
      },
    },
  }),
  malformed('one release counter for two releases', 'one counter per release', {
    say: {
      tiny: (content) => ({
        ...content,
        releases: content.releases.map((one) => ({ ...one, releaseCounter: 4 })),
      }),
    },
  }),
  malformed('a role of releases about another model', 'model of m.tiny', {
    say: { tiny: (content) => ({ ...content, model: 'third' }) },
  }),
  malformed('a release without a release counter', 'form of m.tiny', {
    json: {
      tiny: (part) => {
        delete part.targets['models/tiny/1.1.0/manifest.json'].custom.releaseCounter;
        return part;
      },
    },
  }),
  {
    attack: 'a release below the floor, to a device whose stored m.tiny is damaged',
    check: 'floor of the device',
    code: 'RELEASE_BELOW_FLOOR',
    plan: {
      say: {
        tiny: (content) => ({ ...content, minReleaseCounter: 0 }),
        assignment: assigning(release('0.9.0')),
      },
    },
    onDisk: onControlDb("UPDATE trust_documents SET document = 'x' WHERE role = 'm.tiny'"),
    changes: CHAIN,
  },
  {
    attack: 'a release signed by a key of another kind that fits',
    check: 'only ed25519 keys count',
    code: 'KEY_UNKNOWN',
    plan: { json: { targets: withForeignKey }, by: { tiny: [FOREIGN] } },
    changes: [...BEFORE_TINY, 'floor of tiny'],
  },
  malformed('a role of releases without a floor', 'form of m.tiny', {
    json: { tiny: without('minReleaseCounter') },
  }),
  delegation('for the paths of every model', (role) => {
    role.paths = ['models/*/*/*'];
  }),
  delegation('for the paths of two models', (role) => {
    role.paths.push('models/other/*/*');
  }),
  delegation('that does not end the search', (role) => {
    role.terminating = false;
  }),
  {
    ...delegation('to a role that is no model', () => undefined),
    plan: {
      json: {
        targets: (targets) => {
          const { roles } = targets.delegations;
          roles.push({ ...roles[0], name: 'everything' });
          return targets;
        },
      },
    },
  },
];

function release(version: string) {
  const { releaseCounter, length, sha256 } = signed(version);
  return { version, releaseCounter, manifestLength: length, manifestSha256: sha256 };
}
