/** An invariant does not hold: the end of a history. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(message);
    this.invariant = invariant;
  }
}

/** Throws unless `holds`. The sentence is made only where it is needed. */
export function require(invariant: string, holds: boolean, sentence: () => string): void {
  if (!holds) throw new Violation(invariant, sentence());
}
