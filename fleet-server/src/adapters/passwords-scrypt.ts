import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { CodedError } from '@ringfleet/shared/errors';
import type { PasswordHasher } from '../ports/people.ts';

interface Cost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** OWASP's choice for 32 MiB of memory. */
const COST: Cost = { n: 2 ** 15, r: 8, p: 3 };
const HASH_BYTES = 32;
/** What a stored text may ask for at most. */
const MAX_MEMORY_BYTES = 256 * 1024 * 1024;
const FORM = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]{16,64})\$([\w-]{43})$/;

/** `scrypt$N$r$p$salt$hash`. At most `atOnce` run at a time and `waiting` wait; more are refused (SIGN_IN_BUSY). */
export function scryptPasswords({ cost = COST, atOnce = 2, waiting = 32 } = {}): PasswordHasher {
  const turn = turns(atOnce, waiting);
  // A real one for accounts that are not there, so that they take as long.
  const nobody = written(cost, randomBytes(16), randomBytes(HASH_BYTES));
  return {
    async hash(password) {
      const salt = randomBytes(16);
      return written(cost, salt, await turn(() => derive(password, salt, cost)));
    },
    async verify(password, stored) {
      const match = FORM.exec(stored ?? nobody);
      if (!match) return false;
      const [, n, r, p, salt = '', hash = ''] = match;
      const asStored = { n: Number(n), r: Number(r), p: Number(p) };
      const derived = await turn(() => derive(password, Buffer.from(salt, 'base64url'), asStored));
      return timingSafeEqual(derived, Buffer.from(hash, 'base64url')) && stored !== null;
    },
  };
}

const written = ({ n, r, p }: Cost, salt: Buffer, hash: Buffer): string =>
  ['scrypt', n, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$');

function derive(password: string, salt: Buffer, { n, r, p }: Cost): Promise<Buffer> {
  const options: ScryptOptions = { N: n, r, p, maxmem: MAX_MEMORY_BYTES };
  return new Promise((resolve, reject) => {
    // One character, one form: a keyboard may send ü as one or as two code points.
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, options, (err, key) =>
      err ? reject(err) : resolve(key),
    );
  });
}

function turns(atOnce: number, most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const queue: (() => void)[] = [];
  return async (work) => {
    if (running >= atOnce) {
      if (queue.length >= most) throw new CodedError('SIGN_IN_BUSY');
      await new Promise<void>((resolve) => queue.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      // The place is handed on: it never looks free in between.
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
