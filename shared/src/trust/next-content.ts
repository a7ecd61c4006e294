import type { Role, RoleKeys, Root, RootContent, TargetsContent, TargetsRole } from './types.ts';

/** The content of a verified root, to build the next version upon. */
export function contentOfRoot(root: Root): RootContent {
  const { version, expires, isDevelopment, roles, director } = root;
  return {
    version,
    expires,
    isDevelopment,
    root: keysOf(roles.root),
    targets: keysOf(roles.targets),
    snapshot: keysOf(roles.snapshot),
    timestamp: keysOf(roles.timestamp),
    director: { ...keysOf(director), epoch: director.epoch },
  };
}

/** The content of a verified targets role, to build the next version upon. */
export function contentOfTargets(targets: TargetsRole): TargetsContent {
  const { version, expires, models } = targets;
  return { version, expires, models: [...models].map(([model, role]) => ({ model, ...keysOf(role) })) };
}

const keysOf = ({ keys, threshold }: Role): RoleKeys => ({ keys: [...keys.values()], threshold });
