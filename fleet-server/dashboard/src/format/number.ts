/** Whole numbers with thousands separators. */
export const count = (value: number): string => new Intl.NumberFormat(undefined).format(value);

/** A share as whole percent; never 100 % or 0 % unless it is exactly that. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const exact = (part / whole) * 100;
  const shown = part === 0 || part === whole ? exact : Math.min(99, Math.max(1, Math.round(exact)));
  return `${shown} %`;
}
