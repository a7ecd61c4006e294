import { type Role, readModelRole, readRoot, readTargets } from '@ringfleet/shared/trust';
import type { Draft } from './trust-draft.ts';
import { keyLabel } from './trust-key-names.ts';
import { day } from './trust-next-action.ts';

type Names = ReadonlyMap<string, string>;

/** What a signer puts their name under, in words: what stays is said plainly, what is new is marked with `+`, `-` or `*`. */
export function describeDraft({ role, document, under }: Draft, names: Names): readonly string[] {
  if (role === 'root') return describeRoot(document, under, names);
  if (role === 'targets') return describeTargets(document, names);
  const { model, version, expires, minReleaseCounter, releases } = readModelRole(document);
  return [
    `m.${model} version ${version}, valid until ${day(expires)}, floor: release counter ${minReleaseCounter}`,
    ...releases.map((one) => `  ${one.version}  counter ${one.releaseCounter}  manifest ${one.sha256}`),
  ];
}

function describeRoot(document: string, under: string, names: Names): readonly string[] {
  const [next, last] = [readRoot(document), readRoot(under)];
  const of = ({ roles, director }: typeof next): readonly [string, Role][] => [
    ...Object.entries(roles),
    ['director', director],
  ];
  const before = new Map(of(last));
  const lines = of(next).map(([name, role]) => `  ${name}: ${change(before.get(name), role, names)}`);
  const mark = next.isDevelopment ? ', a DEVELOPMENT root: one key decides alone' : '';
  return [`root version ${next.version}, valid until ${day(next.expires)}${mark}`, ...lines];
}

function describeTargets(document: string, names: Names): readonly string[] {
  const { version, expires, models } = readTargets(document);
  const lines = [...models].map(([model, role]) => `  model ${model}: ${change(role, role, names)}`);
  return [`targets version ${version}, valid until ${day(expires)}`, ...lines];
}

function change(before: Role | undefined, now: Role, names: Names): string {
  const threshold = before?.threshold === now.threshold ? '' : `* was ${before?.threshold ?? 0}, now `;
  const kept = [...now.keys.keys()].map((id) => `${before?.keys.has(id) ? '' : '+'}${keyLabel(id, names)}`);
  const gone = [...(before?.keys.keys() ?? [])].filter((id) => !now.keys.has(id));
  const all = [...kept, ...gone.map((id) => `-${keyLabel(id, names)}`)];
  return `${threshold}${now.threshold} of ${now.keys.size}: ${all.join(', ')}`;
}
