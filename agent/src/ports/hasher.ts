/** Hashes files off the agent's loop. */
export interface Hasher {
  /** Bare hex of the file's sha256; null when it is not there. */
  sha256OfFile(path: string): Promise<string | null>;
}
