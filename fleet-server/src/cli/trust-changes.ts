import { CodedError } from '@ringfleet/shared/errors';
import {
  contentOfRoot,
  contentOfTargets,
  keyIdOf,
  type RoleKeys,
  type Root,
  type RootContent,
  type TargetsContent,
  type TargetsRole,
  type TufKey,
} from '@ringfleet/shared/trust';

/** What `trust root rotate` may change; what is absent stays as it is. */
export interface RootChange {
  readonly root?: RoleKeys;
  readonly targets?: RoleKeys;
  /** The server's key: director, snapshot and timestamp. */
  readonly online?: TufKey;
  readonly expires: number;
}

/** The next root. A root that one key decides stays a development root and is marked as one. */
export function rotatedRoot(current: Root, change: RootChange): RootContent {
  const before = contentOfRoot(current);
  const root = checked('root', change.root ?? before.root);
  const online = change.online === undefined ? null : { keys: [change.online], threshold: 1 };
  return {
    version: current.version + 1,
    expires: change.expires,
    isDevelopment: root.threshold < 2,
    root,
    targets: checked('targets', change.targets ?? before.targets),
    snapshot: online ?? before.snapshot,
    timestamp: online ?? before.timestamp,
    // A new director starts a new epoch: what the old one signed can never look newer.
    director: online === null ? before.director : { ...online, epoch: before.director.epoch + 1 },
  };
}

/** The next targets role, in which these keys speak for a model. */
export function delegated(
  current: TargetsRole,
  model: string,
  role: RoleKeys,
  expires: number,
): TargetsContent {
  const before = contentOfTargets(current);
  const added = { model, ...checked(`model ${model}`, role) };
  const isKnown = before.models.some((one) => one.model === model);
  const models = isKnown
    ? before.models.map((one) => (one.model === model ? added : one))
    : [...before.models, added];
  return { version: current.version + 1, expires, models };
}

/** The next targets role with the same delegations. */
export const renewedTargets = (current: TargetsRole, expires: number): TargetsContent => ({
  ...contentOfTargets(current),
  version: current.version + 1,
  expires,
});

/** The next root without a key, or null when no offline role of the root names it. Throws KEY_STILL_NEEDED. */
export function rootWithout(current: Root, keyid: string, expires: number): RootContent | null {
  const { roles, director } = current;
  for (const [name, role] of [...Object.entries(roles), ['director', director] as const]) {
    if (name === 'root' || name === 'targets' || !role.keys.has(keyid)) continue;
    throw new CodedError(
      'KEY_STILL_NEEDED',
      `it is the server's ${name} key; \`ringfleet trust root rotate --online-key NEW.pub.json\` replaces it`,
    );
  }
  if (!roles.root.keys.has(keyid) && !roles.targets.keys.has(keyid)) return null;
  const before = contentOfRoot(current);
  return rotatedRoot(current, {
    root: without('root', before.root, keyid),
    targets: without('targets', before.targets, keyid),
    expires,
  });
}

/** The next targets role without a publisher's key, or null when no model names it. Throws KEY_STILL_NEEDED. */
export function targetsWithout(
  current: TargetsRole,
  keyid: string,
  expires: number,
): { readonly content: TargetsContent; readonly models: readonly string[] } | null {
  const models = [...current.models].filter(([, role]) => role.keys.has(keyid)).map(([model]) => model);
  if (models.length === 0) return null;
  const before = renewedTargets(current, expires);
  const kept = before.models.map((one) => ({
    model: one.model,
    ...without(`model ${one.model}`, one, keyid),
  }));
  return { content: { ...before, models: kept }, models };
}

/** Throws THRESHOLD_IMPOSSIBLE unless so many different keys can sign. */
export function checked(what: string, { keys, threshold }: RoleKeys): RoleKeys {
  const different = [...new Map(keys.map((key) => [keyIdOf(key), key])).values()];
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > different.length) {
    const have = `${different.length} different key${different.length === 1 ? '' : 's'}`;
    throw new CodedError('THRESHOLD_IMPOSSIBLE', `${what}: threshold ${threshold} with ${have}`);
  }
  return { keys: different, threshold };
}

function without(what: string, { keys, threshold }: RoleKeys, keyid: string): RoleKeys {
  const kept = keys.filter((key) => keyIdOf(key) !== keyid);
  if (kept.length < threshold) {
    throw new CodedError(
      'KEY_STILL_NEEDED',
      `${what} asks for ${threshold} of ${keys.length} keys; ${kept.length} would be left`,
    );
  }
  return { keys: kept, threshold };
}
