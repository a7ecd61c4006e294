import { CodedError } from '@ringfleet/shared/errors';
import type { Page, PageQuery } from '../../ports/stores.ts';

/** The key a list goes on after; `fallback` when there is no cursor yet. Throws CURSOR_INVALID. */
export function afterKey<K extends string | number>(query: PageQuery, fallback: K): K {
  if (query.cursor === undefined) return fallback;
  const text = Buffer.from(query.cursor, 'base64url').toString('utf8');
  if (typeof fallback === 'string') return text as K;
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new CodedError('CURSOR_INVALID', undefined, { at: '/cursor' });
  return number as K;
}

/** Rows come with one more than the limit, which tells whether there is a next page. */
export function pageOf<R, T>(
  rows: readonly R[],
  query: PageQuery,
  keyOf: (row: R) => string | number,
  toItem: (row: R) => T,
): Page<T> {
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  const next =
    rows.length > query.limit && last !== undefined
      ? Buffer.from(String(keyOf(last))).toString('base64url')
      : null;
  return { items: shown.map(toItem), next };
}

/** For lists that show the newest first. */
export const FROM_NEWEST = Number.MAX_SAFE_INTEGER;
