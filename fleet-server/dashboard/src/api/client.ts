import createClient, { type Client } from 'openapi-fetch';
import type { paths } from '../api-types.ts';
import { type Problem, problemOf, unreachable } from './problem.ts';

/** Other sites cannot send this header: with it the server knows that a change comes from its own page. */
const OWN_PAGE = { 'x-ringfleet-csrf': '1' } as const;

export type Api = Client<paths>;

/** The people's API of the server this page came from; the session travels as a cookie that scripts cannot read. */
export function createApi(): Api {
  return createClient<paths>({
    baseUrl: window.location.origin,
    credentials: 'same-origin',
    headers: { accept: 'application/json', ...OWN_PAGE },
  });
}

/** The answer's body, or a thrown Problem. */
export async function answerOf<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await call.catch((cause: unknown) => {
    throw unreachable(cause);
  });
  if (response.ok && data !== undefined) return data;
  throw problemOf(response.status, error);
}

/** Trades an API token for a session cookie. The token is not kept. */
export async function signIn(token: string): Promise<void> {
  await send('POST', { token });
}

export async function signOut(): Promise<void> {
  await send('DELETE');
}

async function send(method: 'POST' | 'DELETE', body?: unknown): Promise<void> {
  const response = await fetch('/api/v1/session', {
    method,
    credentials: 'same-origin',
    headers: { ...OWN_PAGE, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    throw unreachable(cause);
  });
  if (response.ok) return;
  const answer: unknown = await response.json().catch(() => null);
  throw problemOf(response.status, answer) satisfies Problem;
}
