import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the next sign-in at the provider gives, and what is wrong with it. */
export interface NextSignIn {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly nonce?: string;
  readonly signWithOtherKey?: boolean;
  /** `none`: without a signature. `HS256`: signed with the client's secret. `cut`: the last bytes are missing. */
  readonly forged?: 'none' | 'HS256' | 'cut';
}

/** For tests: a real, small OpenID Connect provider on loopback, in which everybody is signed in at once. */
export async function startProvider() {
  const [own, other] = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
  if (!own || !other) throw new Error('no keys');
  const codes = new Map<string, { challenge: string; nonce: string; redirectUri: string }>();
  let next: NextSignIn = { claims: { sub: '1' } };
  let issuer = '';

  const idToken = (nonce: string): string => {
    const seconds = Math.floor(Date.now() / 1_000);
    const claims = { iss: issuer, aud: 'ringfleet', iat: seconds, exp: seconds + 60, nonce, ...next.claims };
    const { forged } = next;
    const alg = forged === undefined || forged === 'cut' ? 'RS256' : forged;
    const parts = [{ alg, kid: 'k1' }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const text = parts.join('.');
    if (forged === 'none') return `${text}.`;
    if (forged === 'HS256')
      return `${text}.${createHmac('sha256', 'the secret').update(text).digest('base64url')}`;
    const key = next.signWithOtherKey ? other.privateKey : own.privateKey;
    const signature = sign('sha256', Buffer.from(text), key).toString('base64url');
    return `${text}.${forged === 'cut' ? signature.slice(0, -8) : signature}`;
  };

  const token = async (request: IncomingMessage): Promise<[number, object]> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = new URLSearchParams(body);
    const known = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isRight =
      form.get('client_secret') === 'the secret' &&
      known?.challenge === challenge &&
      known.redirectUri === form.get('redirect_uri');
    if (!known || !isRight) return [400, { error: 'invalid_grant' }];
    return [200, { access_token: 'a', token_type: 'Bearer', id_token: idToken(next.nonce ?? known.nonce) }];
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', issuer);
    const json = (status: number, value: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (pathname === '/.well-known/openid-configuration')
      return json(200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    if (pathname === '/jwks')
      return json(200, { keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256' }] });
    if (pathname === '/token') return json(...(await token(request)));
    const [code, redirectUri] = [`code-${codes.size}-${Date.now()}`, searchParams.get('redirect_uri') ?? ''];
    codes.set(code, {
      redirectUri,
      challenge: searchParams.get('code_challenge') ?? '',
      nonce: searchParams.get('nonce') ?? '',
    });
    const back = new URL(redirectUri);
    back.search = new URLSearchParams({ code, state: searchParams.get('state') ?? '' }).toString();
    response.writeHead(302, { location: back.href }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    gives: (signIn: NextSignIn) => {
      next = signIn;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
