import type { DraftStatus, RoleState, RoleStatus, TrustStatus } from './trust-status.ts';

/** The one thing to do next, most urgent first. `where` is how a command names the folder. */
export function nextAction(
  { isDevelopment, roles, drafts }: Omit<TrustStatus, 'next'>,
  where: string,
): string {
  if (roles.length === 0)
    return 'Nothing is trusted yet: run `ringfleet trust init` and publish what it makes.';
  const [draft] = drafts;
  if (draft)
    return `Collect signatures: ${waiting(draft)} with \`ringfleet trust sign ${draft.path} --key KEYFILE\`.`;
  for (const state of ['notSigned', 'expired', 'expiresSoon'] as const) {
    const role = roles.find((one) => one.state === state);
    if (role) return `${reason(role, state)}: \`${renewal(role.role, where)}\`.`;
  }
  const missing = roles.find((role) => role.role === 'targets' && role.state === 'missing');
  if (missing) return `No targets role is published: \`ringfleet trust publish --dir ${where}\`.`;
  if (isDevelopment) {
    return (
      'Before devices matter, leave the development root: make three keys, then ' +
      `\`ringfleet trust root rotate --dir ${where} --root-key A.pub.json B.pub.json C.pub.json --root-threshold 2\`.`
    );
  }
  const first = roles
    .filter((role) => role.expiresAtMs !== null)
    .toSorted((a, b) => (a.expiresAtMs ?? 0) - (b.expiresAtMs ?? 0))[0];
  return first?.expiresAtMs
    ? `Nothing to do: the first date is that of ${first.role}, ${day(first.expiresAtMs)}.`
    : 'Nothing to do.';
}

/** A date as people compare it. */
export const day = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

const waiting = ({ role, demands }: DraftStatus): string =>
  `the draft of ${role} has ${demands.map(({ what, signed, threshold }) => `${signed} of ${threshold} (${what})`).join(', ')};`;

function reason({ role, expiresAtMs }: RoleStatus, state: RoleState): string {
  const date = day(expiresAtMs ?? 0);
  if (state === 'expired') return `${role} expired on ${date} and nothing new installs; renew it now`;
  if (state === 'expiresSoon') return `${role} expires on ${date}; renew it`;
  return `${role} does not carry the signatures that are asked for today, and devices refuse it; sign it again`;
}

function renewal(role: string, where: string): string {
  if (role === 'root' || role === 'targets') return `ringfleet trust ${role} renew --dir ${where}`;
  return `ringfleet release renew ${role.slice('m.'.length)} --trust ${where}`;
}
