import { type ChildProcess, fork } from 'node:child_process';
import type { Order, Reply } from './victim.ts';

/** Far longer than the attacks on one mutant take; a loop that a mutant made endless ends with its process. */
const DEADLINE_MS = 120_000;

/** A victim that is started again when a mutant takes it down. */
export class Victim {
  readonly #program: string;
  #child: ChildProcess | null = null;
  titles: readonly string[] = [];

  constructor(program: string) {
    this.#program = program;
  }

  /** Null when the process died or had to be ended. */
  async ask(order: Order, deadlineMs = DEADLINE_MS): Promise<Reply | null> {
    const child = await this.#running();
    const reply = nextReply(child, deadlineMs);
    child.send(order);
    const got = await reply;
    if (got === null) {
      child.kill('SIGKILL');
      this.#child = null;
    }
    return got;
  }

  /** Ends the process; what it wrote goes with it. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.disconnect();
    await exited;
  }

  async #running(): Promise<ChildProcess> {
    if (this.#child) return this.#child;
    const child = fork(this.#program, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
    });
    const ready = await nextReply(child, DEADLINE_MS);
    if (ready?.type !== 'ready') throw new Error(`the victim does not start: ${said}`);
    this.titles = ready.titles;
    this.#child = child;
    return child;
  }
}

function nextReply(child: ChildProcess, deadlineMs: number): Promise<Reply | null> {
  const { promise, resolve } = Promise.withResolvers<Reply | null>();
  const onMessage = (message: unknown): void => resolve(message as Reply);
  const onExit = (): void => resolve(null);
  const timer = setTimeout(onExit, deadlineMs);
  child.once('message', onMessage);
  child.once('exit', onExit);
  return promise.finally(() => {
    clearTimeout(timer);
    child.off('message', onMessage);
    child.off('exit', onExit);
  });
}
