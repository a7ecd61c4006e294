import type { Stores } from '../../fleet-server/src/ports/stores.ts';

/** The server's process ended between two transactions; what it was doing is never finished. */
export class ServerDied extends Error {
  override readonly name = 'ServerDied';
}

/** When the server dies: after so many more calls of its stores. Null: not now. */
export interface Fuse {
  callsLeft: number | null;
}

/** Stores that die with the server: before a call, or after it was committed and before anybody heard. */
export function mortalStores(stores: Stores, fuse: Fuse): Stores {
  const burn = (): void => {
    if (fuse.callsLeft === null) return;
    fuse.callsLeft -= 1;
    if (fuse.callsLeft < 0) throw new ServerDied();
  };
  const wrap = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          try {
            burn();
          } catch (err) {
            return Promise.reject(err);
          }
          const result = Reflect.apply(value, target, args) as unknown;
          if (!(result instanceof Promise)) return result;
          return result.then((answer: unknown) => {
            burn();
            return answer;
          });
        };
      },
    });
  return Object.fromEntries(
    Object.entries(stores).map(([name, store]) => [name, wrap(store)]),
  ) as unknown as Stores;
}
