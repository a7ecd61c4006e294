import {
  type Role,
  readModelRole,
  readRoot,
  readTargets,
  signingProgress,
  type TargetsRole,
} from '@ringfleet/shared/trust';
import { type Draft, demandsOf } from './trust-draft.ts';
import { nextAction } from './trust-next-action.ts';

/** Earlier than this before its date, a role of people is said to need renewal. */
export const EARLY_MS = 30 * 86_400_000;

/** What is looked at: the documents of a folder or of a server, not yet judged. */
export interface TrustDocuments {
  readonly root: string | null;
  readonly targets: string | null;
  /** Text of `m.<model>`; a delegated model that is absent has released nothing. */
  readonly models: ReadonlyMap<string, string>;
  readonly drafts: readonly { readonly path: string; readonly draft: Draft }[];
  readonly names: ReadonlyMap<string, string>;
}

export type RoleState = 'ok' | 'expiresSoon' | 'expired' | 'notSigned' | 'missing' | 'online';

export interface RoleStatus {
  readonly role: string;
  readonly version: number | null;
  readonly threshold: number;
  readonly keys: readonly { readonly keyid: string; readonly name: string | null }[];
  readonly expiresAtMs: number | null;
  readonly state: RoleState;
  /** Of a model: the release counter below which nothing installs, and how many releases are signed. */
  readonly minReleaseCounter?: number;
  readonly releases?: number;
}

export interface DraftStatus {
  readonly path: string;
  readonly role: string;
  readonly demands: readonly { readonly what: string; readonly signed: number; readonly threshold: number }[];
}

export interface TrustStatus {
  readonly isDevelopment: boolean;
  readonly roles: readonly RoleStatus[];
  readonly drafts: readonly DraftStatus[];
  /** One sentence: what to do next. */
  readonly next: string;
}

/** Who may sign what, until when, and what is to be done next. `where` is how a command names the folder. */
export function trustStatus(documents: TrustDocuments, nowMs: number, where: string): TrustStatus {
  const roles = rolesOf(documents, nowMs);
  const drafts = documents.drafts.map(({ path, draft }) => ({
    path,
    role: draft.role,
    demands: demandsOf(draft).map(({ what, signed, threshold }) => ({
      what,
      signed: signed.length,
      threshold,
    })),
  }));
  const isDevelopment = documents.root !== null && readRoot(documents.root).isDevelopment;
  return { isDevelopment, roles, drafts, next: nextAction({ isDevelopment, roles, drafts }, where) };
}

function rolesOf(
  { root: rootText, targets: targetsText, models, names }: TrustDocuments,
  nowMs: number,
): RoleStatus[] {
  if (rootText === null) return [];
  const root = readRoot(rootText);
  const shown = (role: string, keys: Role) => ({
    role,
    threshold: keys.threshold,
    keys: [...keys.keys.keys()].map((keyid) => ({ keyid, name: names.get(keyid) ?? null })),
  });
  const dated = (text: string, keys: Role, version: number, expiresAtMs: number) => ({
    version,
    expiresAtMs,
    state: stateOf(text, keys, expiresAtMs, nowMs),
  });
  const none = { version: null, expiresAtMs: null } as const;
  const targets = targetsText === null ? null : readTargets(targetsText);
  return [
    { ...shown('root', root.roles.root), ...dated(rootText, root.roles.root, root.version, root.expires) },
    {
      ...shown('targets', root.roles.targets),
      ...(targets === null || targetsText === null
        ? { ...none, state: 'missing' as const }
        : dated(targetsText, root.roles.targets, targets.version, targets.expires)),
    },
    ...modelRoles(targets).map(([model, keys]): RoleStatus => {
      const text = models.get(model);
      if (text === undefined) return { ...shown(`m.${model}`, keys), ...none, state: 'missing' };
      const { version, expires, minReleaseCounter, releases } = readModelRole(text);
      return {
        ...shown(`m.${model}`, keys),
        ...dated(text, keys, version, expires),
        minReleaseCounter,
        releases: releases.length,
      };
    }),
    { ...shown('snapshot', root.roles.snapshot), ...none, state: 'online' },
    { ...shown('timestamp', root.roles.timestamp), ...none, state: 'online' },
    { ...shown('director', root.director), ...none, state: 'online' },
  ];
}

const modelRoles = (targets: TargetsRole | null): readonly [string, Role][] => [...(targets?.models ?? [])];

function stateOf(text: string, keys: Role, expiresAtMs: number, nowMs: number): RoleState {
  if (!signingProgress(text, keys).isMet) return 'notSigned';
  if (expiresAtMs <= nowMs) return 'expired';
  return expiresAtMs - nowMs < EARLY_MS ? 'expiresSoon' : 'ok';
}
