/** Mutants that no attack can tell from the verifier, by name, each with the reason; a run fails when one is killed or gone. */
export const EQUIVALENTS: Readonly<Record<string, string>> = {};
