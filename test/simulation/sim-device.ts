import type { Hold } from '../../agent/src/core/permission.ts';
import type { LastEnd } from '../../agent/src/core/update-events.ts';
import { BOOT_LIMIT } from '../../agent/src/core/update-machine.ts';
import { AgentDied } from './agent-died.ts';
import { endsBootLoops } from './device-invariants.ts';
import { DeviceLedger } from './device-ledger.ts';
import type { Fault } from './faults.ts';
import { lot } from './random.ts';
import { SimAgent } from './sim-agent.ts';
import { type JournalDisk, newJournalDisk } from './sim-journal.ts';
import { SlotShelf } from './slot-shelf.ts';
import type { World } from './world.ts';

/** One device: what outlives the agent's process, the process while there is one, and what happens around it. */
export class SimDevice {
  readonly id: string;
  readonly world: World;
  readonly ledger = new DeviceLedger();
  readonly shelf = new SlotShelf();
  readonly disk: JournalDisk;
  agent: SimAgent | null = null;
  isOnline = true;
  isDiskFull = false;
  /** Outside of its maintenance window. */
  isClosed = false;
  /** Somebody at the device wants nothing to change. */
  hold: Hold | null = null;
  isRevoked = false;
  /** Its clock against the true time. */
  clockOffMs = 0;
  #lastEnd: LastEnd = 'clean';
  /** Of the try that each model is busy with: deaths by the release itself, and all others. */
  readonly #deaths = new Map<string, { kills: number; others: number }>();

  constructor(world: World, id: string) {
    this.world = world;
    this.id = id;
    this.disk = newJournalDisk(world.random.uuid());
  }

  start(): void {
    if (this.agent || this.isRevoked) return;
    this.guard(() => {
      this.agent = new SimAgent(this, this.#lastEnd);
      this.agent.resume();
    });
  }

  /** Runs what the agent does; a death on the way ends the process and starts it again later. */
  guard(work: () => void): void {
    try {
      work();
      for (const machine of this.agent?.machines ?? []) machine.checkServing();
    } catch (err) {
      if (!(err instanceof AgentDied)) throw err;
      this.end(err.fault);
    }
  }

  end(fault: Fault): void {
    const { world, id } = this;
    const isPowerCut = fault === 'device lost its power';
    world.faults.note(fault);
    world.say(() => `${id} ${fault}`);
    if (fault !== 'agent killed by a release') {
      for (const one of this.#deaths.values()) one.others += 1;
    }
    this.#lastEnd = isPowerCut ? 'powerCut' : 'crash';
    this.agent?.disconnected();
    this.agent = null;
    if (isPowerCut && world.random.chance(0.5)) this.#loseNewestHeartbeat();
    world.timeline.in(world.random.between(1_000, 20_000), () => this.start());
  }

  /** A release on trial took the agent down. */
  killed(model: string): void {
    const deaths = this.#deaths.get(model) ?? { kills: 0, others: 0 };
    this.#deaths.set(model, deaths);
    deaths.kills += 1;
    endsBootLoops(this.id, deaths.kills, deaths.others, BOOT_LIMIT);
  }

  forgetDeaths(model: string): void {
    this.#deaths.delete(model);
  }

  /** Requests a minute; some models on some devices get none. */
  trafficOf(model: string): number {
    const drawn = lot('traffic', this.id, model);
    return drawn < 0.15 ? 0 : Math.ceil(drawn * 30);
  }

  close(): void {
    this.agent = null;
    this.disk.control.close();
    this.disk.tele.close();
  }

  /** synchronous=NORMAL: what was written last may be gone with the power. */
  #loseNewestHeartbeat(): void {
    const { changes } = this.disk.tele
      .prepare('DELETE FROM outbox WHERE id = (SELECT MAX(id) FROM outbox)')
      .run();
    if (changes > 0) this.world.faults.note('heartbeat lost with the power');
  }
}
