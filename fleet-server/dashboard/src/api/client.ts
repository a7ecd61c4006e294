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

export type Credentials = { readonly token: string } | { readonly name: string; readonly password: string };

/** Trades credentials for a session cookie. They are not kept. */
export async function signIn(credentials: Credentials): Promise<void> {
  await send('POST', 'session', credentials);
}

/** Makes the first administrator and signs in. */
export async function setUp(body: { code: string; name: string; password: string }): Promise<void> {
  await send('POST', 'setup', body);
}

/** Sets the password of an invited person and signs in. */
export async function acceptInvitation(body: { code: string; password: string }): Promise<void> {
  await send('POST', 'invitation', body);
}

export async function signOut(): Promise<void> {
  await send('DELETE', 'session');
}

async function send(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<void> {
  const response = await fetch(`/api/v1/${path}`, {
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
