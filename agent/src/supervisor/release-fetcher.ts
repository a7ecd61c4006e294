import { readFile } from 'node:fs/promises';
import { CodedError } from '@ringfleet/shared/errors';
import { MAX_MANIFEST_BYTES, type Manifest, readManifest } from '@ringfleet/shared/release';
import type { Logger } from 'pino';
import { backoffMs } from '../core/backoff.ts';
import { filesOf } from '../core/constraints.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceApi } from '../ports/device-api.ts';
import type { Hasher } from '../ports/hasher.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** What an assignment allows at most. */
export interface Rate {
  readonly maxBytesPerSecond?: number;
}

/** How often bytes may arrive whole but wrong before the release is given up. */
const MAX_CORRUPT = 3;
/** What is not a matter of trying the download again. */
const FOR_OTHERS: readonly string[] = ['ABORTED', 'STATE_NOT_WRITABLE'];
const RETRY = { baseMs: 1_000, maxMs: 60_000 };

export interface ReleaseFetcherOptions {
  readonly api: DeviceApi;
  readonly blobs: BlobStore;
  readonly hasher: Hasher;
  /** Of the whole device: downloads of several models share it. */
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings a release's files here: resumable, by digest, patient with the network and strict with the bytes. */
export class ReleaseFetcher {
  readonly #options: ReleaseFetcherOptions;
  /** Transfers under way, by digest. */
  readonly #under = new Map<string, Promise<unknown>>();

  constructor(options: ReleaseFetcherOptions) {
    this.#options = options;
  }

  /** Throws ARTIFACT_CORRUPT, MANIFEST_INVALID, ABORTED. */
  async manifest(digest: string, sizeBytes: number, signal: AbortSignal, rate?: Rate): Promise<Manifest> {
    if (sizeBytes > MAX_MANIFEST_BYTES) throw new CodedError('MANIFEST_INVALID', `${sizeBytes} bytes`);
    await this.#fetch(digest, sizeBytes, signal, rate);
    // One of an earlier download may have changed on disk since: hash, then parse.
    if (await this.#scrubOne(digest)) await this.#fetch(digest, sizeBytes, signal, rate);
    return readManifest(await readFile(this.#options.blobs.path(digest)));
  }

  /** The digests of a release, as far as its manifest is here: its own one at least. */
  async digestsHere(digest: string, sizeBytes: number): Promise<readonly string[]> {
    const { blobs } = this.#options;
    if (!(await blobs.has(digest, sizeBytes))) return [digest];
    const manifest = readManifest(await readFile(blobs.path(digest)));
    return [digest, ...manifest.files.map((file) => file.sha256)];
  }

  /** The files of one variant. Throws ARTIFACT_CORRUPT, ABORTED. */
  async files(manifest: Manifest, variant: string, signal: AbortSignal, rate?: Rate): Promise<void> {
    for (const file of filesOf(manifest, variant)) {
      await this.#fetch(file.sha256, file.sizeBytes, signal, rate);
    }
  }

  /** Removes blobs whose bytes changed on disk, so that the next fetch brings them again. */
  async scrub(manifest: Manifest, variant: string): Promise<void> {
    for (const { sha256 } of filesOf(manifest, variant)) await this.#scrubOne(sha256);
  }

  /** True when the blob is not there, or is not any more. */
  async #scrubOne(digest: string): Promise<boolean> {
    const { blobs, hasher } = this.#options;
    if (`sha256:${await hasher.sha256OfFile(blobs.path(digest))}` === digest) return false;
    await blobs.remove(digest);
    return true;
  }

  async #fetch(digest: string, sizeBytes: number, signal: AbortSignal, rate?: Rate): Promise<void> {
    const { blobs, clock, log } = this.#options;
    let corrupt = 0;
    for (let attempt = 0; ; attempt += 1) {
      if (signal.aborted) throw new CodedError('ABORTED');
      if (await blobs.has(digest, sizeBytes)) return;
      // Releases of two models may share a file: two that wrote the same one would spoil it, even after it was verified.
      const other = this.#under.get(digest);
      if (other) {
        await settledOr(other, signal);
        attempt -= 1;
        continue;
      }
      try {
        await this.#alone(digest, async () => {
          await this.#transfer(digest, sizeBytes, signal, rate);
          await blobs.finish(digest);
        });
      } catch (err) {
        if (!(err instanceof CodedError) || FOR_OTHERS.includes(err.code)) throw err;
        if (err.code === 'ARTIFACT_CORRUPT') corrupt += 1;
        if (corrupt >= MAX_CORRUPT) throw err;
        log.info({ component: 'fetch', digest, code: err.code, err }, 'download will be tried again');
        await clock.sleep(backoffMs(attempt, clock.random(), RETRY), signal);
      }
    }
  }

  async #alone(digest: string, transfer: () => Promise<void>): Promise<void> {
    const running = transfer();
    this.#under.set(digest, running);
    try {
      await running;
    } finally {
      this.#under.delete(digest);
    }
  }

  async #transfer(digest: string, sizeBytes: number, signal: AbortSignal, rate?: Rate): Promise<void> {
    const { api, blobs } = this.#options;
    const partial = await blobs.partialBytes(digest);
    if (partial === sizeBytes && sizeBytes > 0) return;
    const from = partial < sizeBytes ? partial : 0;
    const { startsAt, bytes } = await api.artifact(digest, from, signal);
    const limiter = this.#options.limiter;
    await blobs.append(digest, startsAt, limiter.paced(bytes, rate?.maxBytesPerSecond, signal), sizeBytes);
  }
}

/** Resolves when the work is over, however it ended, or the signal is aborted. */
async function settledOr(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const stop = (): void => aborted.resolve();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await Promise.race([work.catch(() => undefined), aborted.promise]);
  signal.removeEventListener('abort', stop);
}
