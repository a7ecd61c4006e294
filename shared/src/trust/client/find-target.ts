import type { TargetFile, Targets } from '@tufjs/models';
import { CodedError } from '../../errors/index.ts';
import { loadTargets, type StoredMetadata, type Workflow } from './refresh.ts';
import type { TrustedSet } from './trusted-set.ts';

export interface FoundTarget {
  readonly set: TrustedSet;
  /** Null when no role that may speak of the path names it. */
  readonly target: TargetFile | null;
}

/** 5.6.7: searches the delegations for a target, in their order and depth first, loading what it needs. */
export function* findTarget(start: TrustedSet, stored: StoredMetadata, path: string): Workflow<FoundTarget> {
  let set = start;
  let toVisit = [{ role: 'targets', parent: 'root' }];
  const visited = new Set<string>();
  for (let next = toVisit.pop(); next !== undefined; next = toVisit.pop()) {
    // 5.6.7.1
    if (visited.has(next.role)) continue;
    if (visited.size > set.rules.maxDelegations) {
      throw new CodedError(
        'METADATA_TOO_LARGE',
        `more than ${set.rules.maxDelegations} delegations to follow`,
      );
    }
    visited.add(next.role);
    set = yield* loadTargets(set, stored, next.role, next.parent);
    const metadata = set.targets.get(next.role);
    const targets = metadata?.signed.targets ?? {};
    if (Object.hasOwn(targets, path)) return { set, target: targets[path] ?? null };
    if (metadata === undefined) continue;
    const children = [];
    for (const child of delegatesOf(metadata.signed, metadata.document.signed, path)) {
      children.push({ role: child.role, parent: next.role });
      // 5.6.7.2.1: nothing after a terminating delegation is asked.
      if (child.isTerminating) {
        toVisit = [];
        break;
      }
    }
    toVisit.push(...children.reverse());
  }
  return { set, target: null };
}

/** The delegations for a path in the order of the document; the models keep them in one that numeric names disturb. */
function delegatesOf(
  targets: Targets,
  signed: Readonly<Record<string, unknown>>,
  path: string,
): { role: string; isTerminating: boolean }[] {
  const { roles, succinctRoles } = targets.delegations ?? {};
  if (roles === undefined) {
    return succinctRoles ? [{ role: succinctRoles.getRoleForTarget(path), isTerminating: true }] : [];
  }
  const listed = (signed['delegations'] as { roles: readonly { name: string }[] }).roles;
  return listed.flatMap(({ name }) => {
    const role = Object.hasOwn(roles, name) ? roles[name] : undefined;
    const isFor = role?.paths?.some((pattern) => fits(path, pattern)) ?? role?.isDelegatedPath(path);
    return role && isFor ? [{ role: name, isTerminating: role.terminating }] : [];
  });
}

/** Whether a path fits a pattern of `*` and `?`, neither of which crosses a slash. */
export function fits(path: string, pattern: string): boolean {
  const parts = path.split('/');
  const patterns = pattern.split('/');
  return parts.length === patterns.length && parts.every((part, i) => fitsPart(part, patterns[i] ?? ''));
}

/** Linear in both but for stars, and never worse than their product: a pattern is a stranger's. */
function fitsPart(text: string, pattern: string): boolean {
  let at = 0;
  let p = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      starAt = at;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
