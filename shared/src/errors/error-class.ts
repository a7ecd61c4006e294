/** Whose problem a code is: decides who is asked to act and whether a release is to blame (DESIGN §7 rule 4). */
export type ErrorClass = 'RELEASE' | 'DEVICE' | 'SITE' | 'INFRA' | 'TRUST' | 'INPUT' | 'CONFLICT';

/** One row of the catalogue. `sentence` says what is wrong, `remedy` what to do; neither holds variable data. */
export interface CatalogEntry {
  readonly class: ErrorClass;
  readonly sentence: string;
  readonly remedy: string;
}

export type CatalogPart = Readonly<Record<string, CatalogEntry>>;
