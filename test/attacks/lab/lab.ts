import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../agent/src/adapters/system-clock.ts';
import { TrustedClock } from '../../../agent/src/adapters/trusted-clock.ts';
import type { Attack, Outcome } from './attack.ts';
import { NOW_MS } from './contents.ts';
import { AttackedDevice } from './device.ts';
import type { JournalPlace, OpenJournal } from './journal.ts';
import { firstRoot, type Plan, type Publication, publish } from './publication.ts';
import { type AttackServer, startAttackServer, writePublication } from './server.ts';
import { changesBetween, snapshotOf } from './snapshot.ts';

/** Long before anything that is signed in the attacks. */
const BUILD_MS = Date.parse('2026-01-01T00:00:00Z');

/** Devices that run 1.0.0, and a server that tries to make them run something else. */
export interface AttackLab {
  run(attack: Attack): Promise<Outcome>;
  close(): Promise<void>;
}

/** Installs 1.0.0 once, by the same way that is attacked later; every attack starts from a copy of that device. */
export async function openAttackLab(
  openJournal: (place: JournalPlace) => Promise<OpenJournal>,
  deadlineMs = 20_000,
): Promise<AttackLab> {
  const lab = new Lab(await startAttackServer(), openJournal, deadlineMs);
  const installed = await lab.install();
  if (installed !== 'INSTALLED') throw new Error(`the first release does not install: ${installed}`);
  return lab;
}

interface Published {
  readonly publication: Publication;
  readonly folder: string;
}

class Lab implements AttackLab {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ringfleet-attacks-'));
  readonly #base = join(this.#folder, 'base');
  readonly #server: AttackServer;
  readonly #openJournal: (place: JournalPlace) => Promise<OpenJournal>;
  readonly #deadlineMs: number;
  /** Signing is the slow part, and the same plan gives the same bytes. */
  readonly #published = new WeakMap<Plan, Published>();
  #folders = 0;

  constructor(
    server: AttackServer,
    openJournal: (place: JournalPlace) => Promise<OpenJournal>,
    deadlineMs: number,
  ) {
    this.#server = server;
    this.#openJournal = openJournal;
    this.#deadlineMs = deadlineMs;
  }

  install(): Promise<string> {
    mkdirSync(join(this.#base, 'trust'), { recursive: true });
    writeFileSync(join(this.#base, 'trust', 'root.json'), firstRoot());
    this.#server.serve(this.#publish(1, {}).folder);
    return this.#onDevice(this.#base, NOW_MS, (device) => device.poll());
  }

  async run(attack: Attack): Promise<Outcome> {
    const stateDir = this.#fresh();
    cpSync(this.#base, stateDir, { recursive: true });
    try {
      if (attack.before) {
        this.#server.serve(this.#publish(2, attack.before.plan).folder);
        const { nowMs = NOW_MS } = attack.before;
        const end = await this.#onDevice(stateDir, nowMs, (device) => device.poll());
        if (end !== attack.before.ends) return { code: `BEFORE: ${end}`, changes: [], answers: '' };
      }
      attack.onDisk?.(stateDir);
      const before = snapshotOf(stateDir);
      const { publication, folder } = this.#publish(attack.before ? 3 : 2, attack.plan);
      this.#server.serve(folder, attack.replies);
      let answers = '';
      const code = await this.#onDevice(stateDir, attack.nowMs ?? NOW_MS, async (device, trouble) => {
        const end =
          trouble ?? (await (attack.isOffered ? device.offer(publication.assignment) : device.poll()));
        answers = await device.answer();
        return end;
      });
      return { code, answers, changes: changesBetween(before, snapshotOf(stateDir)) };
    } finally {
      rmSync(stateDir, { recursive: true });
    }
  }

  async close(): Promise<void> {
    await this.#server.close();
    rmSync(this.#folder, { recursive: true });
  }

  async #onDevice(
    stateDir: string,
    nowMs: number,
    job: (device: AttackedDevice, trouble: string | null) => Promise<string>,
  ): Promise<string> {
    const open = await this.#openJournal({ stateDir, fleet: 'lab', device: 'd-1' });
    const { persistedMs } = await open.journal.timeBasis();
    const system = { ...systemClock, nowMs: () => nowMs };
    const clock = new TrustedClock({ buildMs: BUILD_MS, persistedMs, system });
    const device = new AttackedDevice({
      stateDir,
      nowMs: () => clock.nowMs(),
      api: this.#server.api,
      open,
      deadlineMs: this.#deadlineMs,
    });
    try {
      return await job(device, await device.start());
    } finally {
      await device.stop();
    }
  }

  #publish(step: number, plan: Plan): Published {
    const known = this.#published.get(plan);
    if (known) return known;
    const published = { publication: publish(step, plan), folder: this.#fresh() };
    writePublication(published.publication, published.folder);
    this.#published.set(plan, published);
    return published;
  }

  #fresh(): string {
    this.#folders += 1;
    return join(this.#folder, String(this.#folders));
  }
}
