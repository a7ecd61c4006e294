/** Basis points of a share as people write it, `5%` or `0.25%`; null when it is none, or finer than 0.01 %. */
export function parseShare(text: string): number | null {
  const found = /^(\d{1,3})(?:\.(\d{1,2}))?%$/.exec(text.trim());
  if (!found) return null;
  const basisPoints = Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0'));
  return basisPoints <= 10_000 ? basisPoints : null;
}

export const formatShare = (basisPoints: number): string => `${basisPoints / 100} %`;
