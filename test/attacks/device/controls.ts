import { type Attack, CHAIN } from '../lab/attack.ts';
import { onControlDb } from '../lab/disk.ts';
import { plus } from '../lab/edits.ts';
import { KEYS } from '../lab/keys.ts';
import { type Json, publish } from '../lab/publication.ts';
import { RELEASES } from '../lab/releases.ts';
import type { Answer } from '../lab/server.ts';
import { MENDED } from './artifact-attacks.ts';
import { CLOCK_CONTROLS } from './clock-attacks.ts';
import { NEW_DEVICE_CONTROLS } from './new-device-attacks.ts';
import { ALLOWED } from './stolen-key-attacks.ts';

const control = (attack: string, plan: Attack['plan'], more: Partial<Attack> = {}): Attack => ({
  attack,
  check: '',
  code: 'INSTALLED',
  plan,
  ...more,
});

/** What a newer peer may write, and no older one may stumble over. */
const UNKNOWN = {
  text: 'one " and a colon: } and ] and a backslash \\',
  none: null,
  yes: true,
  lists: Array.from({ length: 20 }, () => []),
  objects: Array.from({ length: 20 }, () => ({})),
};

/** Key ids without a key, keys of other kinds and keys that are none: they never count, and disturb nobody. */
function withOddKeys(targets: Json): Json {
  const { keys, roles } = targets.delegations;
  keys['ab'.repeat(32)] = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'no hex' } };
  keys['cd'.repeat(32)] = { keytype: 'rsa', scheme: 'rsassa-pss-sha256', keyval: { public: 'a PEM' } };
  roles[0].keyids.unshift('constructor', 'ab'.repeat(32), 'cd'.repeat(32));
  return targets;
}

const WEIGHTS = RELEASES['1.1.0']?.weights.sha256 ?? '';

/** Four errors, then the file, and again. */
function failingAtFirst(): Answer {
  let requests = 0;
  return (_request, response) => {
    requests += 1;
    if (requests % 5 === 0) response.writeHead(200).end(RELEASES['1.1.0']?.weights.bytes);
    else response.writeHead(503).end();
  };
}

/** What must go through, or the attacks prove nothing: the first is the update that they change. */
export const CONTROLS: readonly Attack[] = [
  control('the update, asked for', {}),
  control('the update, over MQTT', {}, { isOffered: true }),
  control('the update under a new root', { roots: 2 }),
  control('the update under three new roots', { roots: 4 }),
  control('the update with members that nobody knows', {
    json: { assignment: plus('x', UNKNOWN), tiny: plus('x', UNKNOWN), timestamp: plus('x', UNKNOWN) },
  }),
  control('the update under a role with keys that nobody can check', {
    json: { targets: withOddKeys },
    by: { tiny: [KEYS.tinyA, KEYS.tinyB, { ...KEYS.tinyA, keyid: 'ab'.repeat(32) }] },
  }),
  control('the update, listed without lengths and hashes', {
    json: {
      snapshot: (signed) => {
        for (const meta of Object.values<Json>(signed.meta)) {
          delete meta.length;
          delete meta.hashes;
        }
        return signed;
      },
    },
  }),
  control('a first update', {}, { onDisk: onControlDb('DELETE FROM accepted_assignment') }),
  control(
    'the accepted content, signed anew under its generation',
    { say: { assignment: (content) => ({ ...content, generation: 20 }) } },
    { before: { plan: {}, ends: 'INSTALLED' } },
  ),
  control(
    'another timestamp under the version that is trusted is passed over',
    { say: { timestamp: (content) => ({ ...content, version: 20 }) } },
    { before: { plan: {}, ends: 'INSTALLED' }, changes: ['assignment'] },
  ),
  control(
    'a newest root that was altered on the disk is fetched again',
    { roots: 2 },
    {
      before: { plan: { roots: 2 }, ends: 'INSTALLED' },
      onDisk: onControlDb(
        'UPDATE trust_documents SET document = replace(document, \'"expires": "2031\', \'"expires": "2039\') WHERE role = \'root\'',
      ),
      changes: ['assignment', 'root 2', ...CHAIN],
    },
  ),
  control('the update after a server that failed', {}, { replies: { [WEIGHTS]: failingAtFirst() } }),
  {
    ...control('the accepted assignment again is no news', {
      serve: { assignment: () => publish(1).assignment },
    }),
    code: 'UNCHANGED',
    answers: '1.0.0',
  },
  {
    ...control('a device is emptied without any publisher', {
      say: { assignment: (content) => ({ ...content, models: [] }) },
      serve: { 'timestamp.json': () => null },
    }),
    code: 'REMOVED',
    answers: 'MODEL_UNKNOWN',
  },
  ...CLOCK_CONTROLS,
  ...NEW_DEVICE_CONTROLS,
  ...ALLOWED,
  ...MENDED,
];
