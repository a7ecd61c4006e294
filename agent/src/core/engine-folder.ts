/** The folder that holds what a provider compiled of a release, by the sha256 of its manifest. */
export const engineFolder = (digest: string): string => digest.replace('sha256:', '').slice(0, 16);
