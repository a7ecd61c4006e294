import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A program of `load/`, running; it answers one message at a time. */
export class WorkerProcess {
  readonly #child: ChildProcess;

  constructor(program: string) {
    this.#child = fork(fileURLToPath(new URL(`load/${program}`, import.meta.url)), {
      execArgv: ['--conditions=source'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  ask<Answer>(message: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`a load generator ended with ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (said) => {
        this.#child.off('exit', ended);
        const { answer, error } = said as { answer: Answer; error?: string };
        if (error === undefined) resolve(answer);
        else reject(new Error(error));
      });
      this.#child.send(message);
    });
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
