/** What one look at the device or its network found. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped';
  /** One sentence with what was seen. */
  readonly saw: string;
  /** What the person who reads it can do about it. */
  readonly remedy?: string;
}

export interface Diagnosis {
  readonly isReady: boolean;
  readonly verdict: string;
  readonly checks: readonly Check[];
}

/** Whose failure means that something outside of this machine has to be mended. */
const NETWORK = new Set(['dns', 'proxy', 'tls', 'broker', 'server']);

export const ok = (name: string, saw: string): Check => ({ name, state: 'ok', saw });
export const failed = (name: string, saw: string, remedy: string): Check => ({
  name,
  state: 'failed',
  saw,
  remedy,
});
export const warning = (name: string, saw: string, remedy: string): Check => ({
  name,
  state: 'warning',
  saw,
  remedy,
});
export const skipped = (name: string, saw: string): Check => ({ name, state: 'skipped', saw });

/** All that was seen, in one line. */
export function diagnose(checks: readonly Check[]): Diagnosis {
  const named = (state: Check['state']): string =>
    checks
      .filter((one) => one.state === state)
      .map((one) => one.name)
      .join(', ');
  const [bad, odd] = [named('failed'), named('warning')];
  if (bad) return { isReady: false, verdict: `not ready: ${bad} must be mended`, checks };
  if (odd) return { isReady: true, verdict: `ready, but look at: ${odd}`, checks };
  return { isReady: true, verdict: 'ready', checks };
}

/** DESIGN §12 "exit codes": 4 when only the network is at fault. */
export function exitCodeOfDiagnosis({ checks }: Diagnosis): number {
  const bad = checks.filter((one) => one.state === 'failed');
  if (bad.length === 0) return 0;
  return bad.every((one) => NETWORK.has(one.name)) ? 4 : 1;
}

export function diagnosisText({ checks, verdict }: Diagnosis): string {
  const lines = checks.flatMap(({ name, state, saw, remedy }) => [
    `${SIGNS[state]} ${name.padEnd(12)}${saw}`,
    ...(remedy ? [`${' '.repeat(18)}→ ${remedy}`] : []),
  ]);
  return `${lines.join('\n')}\n\nverdict: ${verdict}\n`;
}

const SIGNS = { ok: 'ok  ', warning: 'warn', failed: 'FAIL', skipped: '-   ' } as const;
