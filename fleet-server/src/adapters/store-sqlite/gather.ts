/** Never more than this in one transaction: the loop must turn. */
const MOST = 256;

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (err: unknown) => void;
}

/**
 * Makes one call of many: what comes within one turn of the loop is done at once, as one transaction. When that fails,
 * each is tried alone, so that one bad item is nobody else's failure.
 */
export function gather<T, R>(doAll: (items: readonly T[]) => readonly R[]): (item: T) => Promise<R> {
  const waiting: Waiting<T, R>[] = [];

  function flush(): void {
    const now = waiting.splice(0, MOST);
    if (waiting.length > 0) setImmediate(flush);
    if (settle(now) || now.length === 1) return;
    for (const one of now) settle([one]);
  }
  /** False when it failed and others may be better off alone. */
  function settle(some: readonly Waiting<T, R>[]): boolean {
    try {
      const results = doAll(some.map(({ item }) => item));
      for (const [i, { resolve }] of some.entries()) resolve(results[i] as R);
      return true;
    } catch (err) {
      if (some.length === 1) some[0]?.reject(err);
      return false;
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (waiting.length === 1) setImmediate(flush);
    });
}
