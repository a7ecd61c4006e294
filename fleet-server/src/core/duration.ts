const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const PART = /(\d{1,9})(ms|s|m|h|d)/y;

/** How people's files write a duration: `500ms`, `6s`, `30m`, `72h`, `1h30m`. */
export const DURATION_PATTERN = '^(\\d{1,9}(ms|s|m|h|d))+$';

/** Milliseconds, or null where the text is no duration. Two parts add up: `1h30m`. */
export function parseDuration(text: string): number | null {
  let total = 0;
  let at = 0;
  while (at < text.length) {
    PART.lastIndex = at;
    const found = PART.exec(text);
    if (!found) return null;
    total += Number(found[1]) * UNITS_MS[found[2] as keyof typeof UNITS_MS];
    at = PART.lastIndex;
  }
  return text.length > 0 && Number.isSafeInteger(total) ? total : null;
}

/** The two largest units that are not zero: `1h30m`, `6s`; what a person needs, not the last millisecond. */
export function formatDuration(ms: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, Math.round(ms));
  for (const [unit, size] of Object.entries(UNITS_MS)) {
    const n = Math.floor(rest / size);
    if (n > 0) parts.push(`${n}${unit}`);
    rest -= n * size;
    if (parts.length === 2) break;
  }
  return parts.join('') || '0s';
}
