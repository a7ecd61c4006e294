/** Content-addressed files. Digests are `sha256:<hex>`. What is half there stays for the next try. */
export interface BlobStore {
  /** Where the blob is, or will be. */
  path(digest: string): string;
  /** True when a blob of this digest and size is there; its bytes were right when it was put. */
  has(digest: string, sizeBytes: number): Promise<boolean>;
  /** How much of it an earlier try left. */
  partialBytes(digest: string): Promise<number>;
  /** Appends from byte `from` on, cutting off what lies behind it. Throws ARTIFACT_CORRUPT above `maxBytes`. */
  append(digest: string, from: number, bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void>;
  /** Makes the partial file a blob when its digest is right; otherwise keeps nothing: ARTIFACT_CORRUPT. Idempotent. */
  finish(digest: string): Promise<void>;
  remove(digest: string): Promise<void>;
  /**
   * Removes blobs that no slot links to, and what is half there, but for the digests to keep. These are asked for after
   * the folders were listed, so that a download that begins meanwhile loses nothing.
   */
  sweep(keep: () => Promise<ReadonlySet<string>>): Promise<void>;
}
