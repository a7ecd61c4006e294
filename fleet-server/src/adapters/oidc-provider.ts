import { CodedError } from '@ringfleet/shared/errors';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import type { Role } from '../core/domain.ts';
import { highestRole } from '../core/roles.ts';
import type { IdentityProvider } from '../ports/identity-provider.ts';

export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly roleClaim: string;
  /** Value of the claim → role here. */
  readonly roles: Readonly<Record<string, Role>>;
}

/** OpenID Connect: authorization code with PKCE, state and nonce. The provider is looked up at the first sign-in. */
export function oidcProvider(config: OidcConfig): IdentityProvider {
  let found: Promise<Configuration> | null = null;
  const provider = (): Promise<Configuration> => {
    found ??= discover(config).catch((cause: unknown) => {
      found = null;
      throw new CodedError('OIDC_UNREACHABLE', `${config.issuer}: ${messageOf(cause)}`, { cause });
    });
    return found;
  };
  return {
    async begin(redirectUri) {
      const server = await provider();
      const checks = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
      const url = buildAuthorizationUrl(server, {
        redirect_uri: redirectUri,
        scope: 'openid profile email',
        code_challenge: await calculatePKCECodeChallenge(checks.verifier),
        code_challenge_method: 'S256',
        state: checks.state,
        nonce: checks.nonce,
      });
      return { url: url.href, checks };
    },
    async finish(callback, { state, nonce, verifier }) {
      const server = await provider();
      const tokens = await authorizationCodeGrant(server, callback, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      }).catch((cause: unknown) => {
        throw new CodedError('OIDC_REFUSED', messageOf(cause), { cause });
      });
      const claims = tokens.claims();
      if (!claims) throw new CodedError('OIDC_REFUSED', 'the provider gave no identity');
      const granted = [claims[config.roleClaim]].flat().flatMap((value) => {
        const role =
          typeof value === 'string' && Object.hasOwn(config.roles, value) ? config.roles[value] : null;
        return role ? [role] : [];
      });
      const externalId = `${claims.iss} ${claims.sub}`;
      return { externalId, name: nameOf(claims), role: highestRole(granted) };
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: OidcConfig): Promise<Configuration> {
  const url = new URL(issuer);
  // server.yaml takes plain http for loopback only.
  const execute = [enableNonRepudiationChecks, ...(url.protocol === 'http:' ? [allowInsecureRequests] : [])];
  return discovery(url, clientId, clientSecret, undefined, { execute, timeout: 10 });
}

/** A name as people have here; the provider's id where it gives none that fits. */
function nameOf(claims: { readonly sub: string; readonly [claim: string]: unknown }): string {
  const wanted = [claims['preferred_username'], claims['email'], claims.sub];
  const fitting = wanted.find(
    (name) => typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name),
  );
  return typeof fitting === 'string'
    ? fitting
    : `oidc-${Buffer.from(claims.sub).toString('hex').slice(0, 32)}`;
}

const messageOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));
