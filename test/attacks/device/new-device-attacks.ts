import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from '../lab/attack.ts';
import { onControlDb } from '../lab/disk.ts';
import { KEYS, roleOfKeys } from '../lab/keys.ts';

type Versions = Readonly<Record<string, number>>;

/** What the token said of the versions of that day. */
const told = (stateDir: string, minimum: Versions): void =>
  writeFileSync(join(stateDir, 'trust', 'minimum.json'), JSON.stringify(minimum));

/** A device that has enrolled and taken nothing yet. */
const justEnrolled =
  (minimum: Versions) =>
  (stateDir: string): void => {
    onControlDb("DELETE FROM accepted_assignment; DELETE FROM trust_documents WHERE role <> 'root'")(
      stateDir,
    );
    told(stateDir, minimum);
  };

const TODAY: Versions = { timestamp: 20, snapshot: 20, targets: 20, 'm.tiny': 20 };

const older = (role: string, changes: readonly string[]): Attack => ({
  attack: `an old ${role}, shown to a device that has just enrolled`,
  check: 'versions that the token names',
  code: 'METADATA_NOT_NEWER',
  plan: {},
  onDisk: justEnrolled({ [role]: 21 }),
  changes,
});

/** A device without a memory of its own believes the token that it came with. */
export const NEW_DEVICE_ATTACKS: readonly Attack[] = [
  older('timestamp', []),
  older('snapshot', ['timestamp']),
  older('m.tiny', ['timestamp']),
  {
    ...older('m.third', ['timestamp']),
    attack: 'a view without a model that the token names, shown to a device that has just enrolled',
  },
];

const control = (attack: string, onDisk: Attack['onDisk'], plan: Attack['plan'] = {}): Attack => ({
  attack,
  check: '',
  code: 'INSTALLED',
  plan,
  ...(onDisk ? { onDisk } : {}),
});

export const NEW_DEVICE_CONTROLS: readonly Attack[] = [
  control('a device that has just enrolled takes what its token knew of', justEnrolled(TODAY)),
  control('a device with a memory of its own needs no token', (stateDir) =>
    told(stateDir, { timestamp: 99, snapshot: 99 }),
  ),
  control(
    'a token is no measure any more when a root took away the online keys',
    justEnrolled({ timestamp: 99, snapshot: 99, 'm.tiny': 99 }),
    {
      roots: 2,
      say: {
        root: (content) => ({
          ...content,
          snapshot: roleOfKeys(1, KEYS.fresh),
          timestamp: roleOfKeys(1, KEYS.fresh),
        }),
      },
      by: { snapshot: [KEYS.fresh], timestamp: [KEYS.fresh] },
    },
  ),
];
