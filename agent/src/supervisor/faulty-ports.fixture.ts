import type { Save } from '../ports/journal.ts';

/** `killed`: it is the last thing the agent does. `killed after`: the same, once it is done. `hang`: it never comes back. */
export type FaultKind = 'error' | 'killed' | 'killed after' | 'hang';

export interface Strike {
  /** The state of the model while it is struck; for `journal.save` the state that is being saved. */
  readonly phase: string;
  /** `port.method`. */
  readonly op: string;
  readonly kind: FaultKind;
  readonly error?: unknown;
}

/** Strikes one operation of an agent's ports, once. Nothing that a killed agent asks for comes back. */
export class FaultyPorts {
  readonly strike: Strike;
  readonly #struck = Promise.withResolvers<void>();
  #isStruck = false;
  #isDead = false;
  /** The state of the model now. */
  phase: () => string = () => '';

  constructor(strike: Strike) {
    this.strike = strike;
  }

  /** Resolves when it was struck. */
  get struck(): Promise<void> {
    return this.#struck.promise;
  }

  get isStruck(): boolean {
    return this.#isStruck;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** From here on nothing comes back, as after a kill -9. */
  die(): void {
    this.#isDead = true;
  }

  /** The port with every method that answers by a promise under the strike. */
  wrap<T extends object>(name: string, port: T): T {
    return new Proxy(port, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]) => {
          const call = (): unknown => Reflect.apply(value, target, args);
          return this.#through(`${name}.${String(key)}`, args, call);
        };
      },
    });
  }

  #through(op: string, args: readonly unknown[], call: () => unknown): unknown {
    if (this.#isDead) return new Promise(() => undefined);
    if (this.#isStruck || op !== this.strike.op || this.#phaseOf(op, args) !== this.strike.phase)
      return call();
    this.#isStruck = true;
    this.#struck.resolve();
    const never = new Promise(() => undefined);
    switch (this.strike.kind) {
      case 'error':
        return Promise.reject(this.strike.error);
      case 'hang':
        return never;
      case 'killed':
        this.#isDead = true;
        return never;
      case 'killed after':
        return Promise.resolve(call()).then(() => {
          this.#isDead = true;
          return never;
        });
      default:
        return this.strike.kind satisfies never;
    }
  }

  #phaseOf(op: string, [change]: readonly unknown[]): string {
    return op === 'journal.save' ? ((change as Save).state?.phase ?? '') : this.phase();
  }
}
