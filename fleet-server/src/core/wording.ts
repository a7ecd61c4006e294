/** `1 device`, `3 devices`. */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** `a, b and 3 more`: names what a person can read, counts the rest. */
export function listed(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** A reason from elsewhere as one clause of a sentence: on one line, without its full stop, bounded. */
export function clause(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
  return line.replace(/[.;:]+$/, '');
}
