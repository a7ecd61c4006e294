import type { AgentConfig } from './config.ts';

/** What a running agent takes up; everything else decides what it opened at its start. */
const HOT = new Set(['report.periodMs', 'poll.periodMs', 'poll.offlineMs', 'log.level']);

/** Keys that differ, `section.key`, apart by whether a running agent can follow. */
export function changesOf(
  before: AgentConfig,
  after: AgentConfig,
): { readonly now: readonly string[]; readonly afterRestart: readonly string[] } {
  const old = before as unknown as Record<string, Record<string, unknown>>;
  const changed = Object.entries(after).flatMap(([section, keys]) =>
    Object.entries(keys as Record<string, unknown>)
      .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(old[section]?.[key]))
      .map(([key]) => `${section}.${key}`),
  );
  return {
    now: changed.filter((key) => HOT.has(key)),
    afterRestart: changed.filter((key) => !HOT.has(key)),
  };
}
