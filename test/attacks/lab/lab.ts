import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attack, Outcome } from './attack.ts';
import { NOW_MS } from './contents.ts';
import { AttackedDevice } from './device.ts';
import type { JournalPlace, OpenJournal } from './journal.ts';
import { firstRoot, publish } from './publication.ts';
import { type AttackServer, startAttackServer } from './server.ts';
import { changesBetween, snapshotOf } from './snapshot.ts';

/** Devices that run 1.0.0, and a server that tries to make them run something else. */
export interface AttackLab {
  run(attack: Attack): Promise<Outcome>;
  close(): Promise<void>;
}

/** Installs 1.0.0 once, by the same way that is attacked later; every attack starts from a copy of that device. */
export async function openAttackLab(
  openJournal: (place: JournalPlace) => Promise<OpenJournal>,
): Promise<AttackLab> {
  const folder = mkdtempSync(join(tmpdir(), 'ringfleet-attacks-'));
  const server = await startAttackServer();
  const base = join(folder, 'base');
  let count = 0;
  const fresh = (): string => {
    count += 1;
    return join(folder, String(count));
  };
  const device = async (stateDir: string, nowMs: number): Promise<AttackedDevice> => {
    const open = await openJournal({ stateDir, fleet: 'lab', device: 'd-1' });
    return new AttackedDevice({ stateDir, nowMs: () => nowMs, api: server.api, open });
  };

  mkdirSync(join(base, 'trust'), { recursive: true });
  writeFileSync(join(base, 'trust', 'root.json'), firstRoot());
  server.serve(publish(1), fresh());
  const installed = await using(await device(base, NOW_MS), async (one) => {
    await one.start();
    return one.poll();
  });
  if (installed !== 'INSTALLED') throw new Error(`the first release does not install: ${installed}`);
  return {
    run: (attack) => run(attack, { base, fresh, server, device }),
    async close() {
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

interface Lab {
  readonly base: string;
  readonly fresh: () => string;
  readonly server: AttackServer;
  readonly device: (stateDir: string, nowMs: number) => Promise<AttackedDevice>;
}

async function run(attack: Attack, { base, fresh, server, device }: Lab): Promise<Outcome> {
  const stateDir = fresh();
  cpSync(base, stateDir, { recursive: true });
  const nowMs = attack.nowMs ?? NOW_MS;
  let step = 2;
  if (attack.before) {
    server.serve(publish(step, attack.before.plan), fresh());
    const end = await using(await device(stateDir, NOW_MS), async (one) => {
      await one.start();
      return one.poll();
    });
    if (end !== attack.before.ends) return { code: `BEFORE: ${end}`, changes: [], answers: '' };
    step += 1;
  }
  attack.onDisk?.(stateDir);
  const before = snapshotOf(stateDir);
  const publication = publish(step, attack.plan);
  server.serve(publication, fresh(), attack.replies);
  const outcome = await using(await device(stateDir, nowMs), async (one) => {
    const trouble = await one.start();
    const code = trouble ?? (await (attack.isOffered ? one.offer(publication.assignment) : one.poll()));
    return { code, answers: await one.answer() };
  });
  const changes = changesBetween(before, snapshotOf(stateDir));
  rmSync(stateDir, { recursive: true });
  return { ...outcome, changes };
}

async function using<T>(device: AttackedDevice, job: (device: AttackedDevice) => Promise<T>): Promise<T> {
  try {
    return await job(device);
  } finally {
    await device.stop();
  }
}
