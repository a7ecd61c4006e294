import type { Ack, Hello } from '@ringfleet/shared/protocol';
import { lot } from './random.ts';
import type { SimAgent } from './sim-agent.ts';
import { WINDOW_ROWS } from './sim-journal.ts';

const RECONNECT_MS = 15_000;
/** What comes within so long goes together; a device always takes the same while there is trouble. */
const GATHER_MS = [2_000, 8_000, 20_000, 60_000];
const QUIET_GATHER_MS = 2_000;
const ACK_WAIT_MS = 20_000;
const POLL_MS = 60 * 60_000;

/** A session with the server, as the device sees it. */
export interface Session {
  readonly serial: number;
}

/** The agent's side of the network: connects, says hello, sends one window at a time, and asks for its assignment. */
export class Uplink {
  readonly #agent: SimAgent;
  readonly #gatherMs: number;
  session: Session | null = null;
  #isKicked = false;
  /** Numbers of the window that waits for its acknowledgements. */
  readonly #waiting = new Set<string>();
  #sentMs = 0;
  #looks = 0;
  /** Rows may wait that are in no window yet. */
  #hasNews = true;
  #isRefused = false;

  constructor(agent: SimAgent) {
    this.#agent = agent;
    this.#gatherMs = GATHER_MS[Math.floor(lot('gather', agent.device.id) * GATHER_MS.length)] ?? 0;
  }

  get isEmpty(): boolean {
    return this.#agent.journal.outbox.stats().rows === 0;
  }

  start(): void {
    this.#reconnect(this.#agent.world.random.between(500, 10_000));
    this.#agent.later(POLL_MS * this.#agent.world.random.next(), () => this.#pollAgain());
  }

  disconnected(): void {
    const { session } = this;
    if (!session) return;
    this.session = null;
    this.#waiting.clear();
    this.#agent.world.endSession(this.#agent.device, session);
    this.#reconnect(RECONNECT_MS);
  }

  /** There is something to send; what comes within a moment goes together. */
  kick(): void {
    this.#hasNews = true;
    if (this.#isKicked || !this.session) return;
    this.#isKicked = true;
    this.#agent.later(this.#agent.world.isFaulty ? this.#gatherMs : QUIET_GATHER_MS, () => {
      this.#isKicked = false;
      this.#send();
    });
  }

  acknowledged(ack: Ack): void {
    this.#agent.mayDie('device died before a save');
    if (this.#agent.device.isDiskFull) return;
    this.#agent.journal.acknowledge(ack, this.#agent.nowMs);
    this.#agent.mayDie('device died after a save');
    const quarantined = new Set(ack.quarantined.map(({ seq }) => seq));
    for (const key of this.#waiting) {
      const [start, stream, seq] = key.split('/');
      const isMine = Number(start) === ack.start && stream === ack.stream;
      if (isMine && (Number(seq) <= ack.storedUpTo || quarantined.has(Number(seq))))
        this.#waiting.delete(key);
    }
    if (this.#waiting.size === 0 && this.#hasNews) this.kick();
  }

  /** A document that came with a hint. */
  offered(document: string): void {
    this.#isRefused = !this.#agent.take(document);
  }

  hello(): Hello {
    const { journal, device, instance, nowMs, generation } = this.#agent;
    const lastStored = journal.outbox.lastStored();
    return {
      v: 1,
      at: nowMs,
      journal: journal.opened.journal,
      start: journal.opened.start,
      instance,
      capabilities: {
        agentVersion: '0.1.0',
        arch: 'x64',
        os: 'linux',
        hostname: device.id,
        cpus: 1,
        memoryBytes: 1,
        diskFreeBytes: 1,
        runtime: { name: 'ort', version: '1.30.0' },
        providers: [],
      },
      generation,
      models: [],
      oldest: {
        state: journal.outbox.oldest('state'),
        event: journal.outbox.oldest('event'),
        tele: journal.outbox.oldest('tele'),
      },
      ...(lastStored ? { lastStored } : {}),
    };
  }

  #reconnect(delayMs: number): void {
    this.#agent.later(delayMs, () => {
      if (this.session) return;
      if (!this.#agent.hasServer) {
        this.#reconnect(RECONNECT_MS);
        return;
      }
      // A signed time of the server overrules a clock that is wrong.
      this.#agent.device.clockOffMs = 0;
      const hello = this.hello();
      this.#agent.world.connect(this.#agent, hello, (session) => {
        if (!session) {
          this.#reconnect(RECONNECT_MS);
          return;
        }
        this.session = session;
        this.#send();
      });
    });
  }

  #send(): void {
    const { world, device, journal, trueMs } = this.#agent;
    const { session } = this;
    if (!session) return;
    const isWaiting = this.#waiting.size > 0 && trueMs - this.#sentMs < ACK_WAIT_MS;
    if (isWaiting || device.isDiskFull) {
      this.#lookAgain();
      return;
    }
    const window = journal.window();
    this.#agent.mayDie('device died after a save');
    this.#waiting.clear();
    this.#hasNews = window.length === WINDOW_ROWS;
    if (window.length === 0) return;
    for (const { id } of window) this.#waiting.add(`${id.start}/${id.stream}/${id.seq}`);
    this.#sentMs = trueMs;
    // Within a connection order holds, so of a window that is cut off the beginning has arrived.
    const isCut = world.isFaulty && world.random.chance(world.trouble.lost);
    const arriving = isCut ? window.slice(0, world.random.between(1, window.length)) : window;
    world.send(() => world.receive(device, session, JSON.stringify(arriving)));
    this.#lookAgain();
  }

  /** Once, however often it is asked for: what was not acknowledged by then is sent again. */
  #lookAgain(): void {
    this.#looks += 1;
    const look = this.#looks;
    this.#agent.later(ACK_WAIT_MS, () => {
      if (look === this.#looks && this.#waiting.size > 0) this.kick();
    });
  }

  /** Asks for the assignment, as over HTTP: a hint may have got lost. */
  #pollAgain(): void {
    const { world, device } = this.#agent;
    if (this.session && this.#agent.hasServer) world.send(() => world.poll(device));
    this.#agent.later(this.#isRefused ? POLL_MS / 2 : POLL_MS, () => this.#pollAgain());
  }
}
