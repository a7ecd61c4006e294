import { readFileSync } from 'node:fs';
import { CodedError } from '@ringfleet/shared/errors';
import type { OidcConfig } from './adapters/oidc-provider.ts';
import type { Role } from './core/domain.ts';

/** `oidc:` of server.yaml; off while there is no issuer. */
export interface OidcKeys {
  readonly issuer: string | null;
  readonly clientId: string | null;
  readonly clientSecretFile: string | null;
  readonly roleClaim: string;
  readonly roles: Readonly<Record<string, Role>>;
}

/** Reads the secret. Throws CONFIG_INVALID for a half configuration, FILE_UNREADABLE. */
export function oidcConfigOf(keys: OidcKeys): OidcConfig | null {
  const { issuer, clientId, clientSecretFile, roleClaim, roles } = keys;
  if (issuer === null) return null;
  if (clientId === null || clientSecretFile === null || Object.keys(roles).length === 0) {
    throw new CodedError('CONFIG_INVALID', 'oidc needs issuer, clientId, clientSecretFile and roles', {
      at: 'oidc',
    });
  }
  try {
    return {
      issuer,
      clientId,
      clientSecret: readFileSync(clientSecretFile, 'utf8').trim(),
      roleClaim,
      roles,
    };
  } catch (cause) {
    throw new CodedError('FILE_UNREADABLE', clientSecretFile, { cause, at: 'oidc.clientSecretFile' });
  }
}
