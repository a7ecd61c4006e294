import { CodedError } from '@ringfleet/shared/errors';

/** How slow a peer may be before it counts as one that holds us up on purpose. */
export interface Pace {
  /** Before this, slowness is forgiven. */
  readonly graceMs: number;
  readonly minBytesPerSecond: number;
}

export const DEFAULT_PACE: Pace = { graceMs: 10_000, minBytesPerSecond: 1_024 };

/** A whole file of at most `maxBytes`; null when there is none. */
export async function fetchBytes(url: string, maxBytes: number, pace: Pace): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  const body = await openFile(url, maxBytes, pace);
  if (body === null) return null;
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * The bytes of a file, broken off with METADATA_TOO_LARGE behind `maxBytes` and with DOWNLOAD_TOO_SLOW below the pace;
 * null when there is no such file.
 */
export async function openFile(
  url: string,
  maxBytes: number,
  pace: Pace,
): Promise<AsyncIterable<Uint8Array> | null> {
  const watch = new AbortController();
  const startedAt = performance.now();
  const timer = setInterval(() => watch.abort(), pace.graceMs);
  let response: Response;
  try {
    response = await fetch(url, { signal: watch.signal, redirect: 'error' });
  } catch (cause) {
    clearInterval(timer);
    if (watch.signal.aborted) throw tooSlow(url);
    throw new CodedError('REPOSITORY_UNREACHABLE', `cannot fetch ${url}`, { cause });
  }
  clearInterval(timer);
  if (response.status === 404 || response.status === 403) {
    await response.body?.cancel();
    return null;
  }
  if (response.status !== 200 || response.body === null) {
    throw new CodedError('REPOSITORY_UNREACHABLE', `${url} answered with status ${response.status}`);
  }
  return paced(url, response.body, maxBytes, pace, startedAt, watch);
}

async function* paced(
  url: string,
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  pace: Pace,
  startedAt: number,
  watch: AbortController,
): AsyncIterable<Uint8Array> {
  let received = 0;
  const timer = setInterval(
    () => {
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs > pace.graceMs && received / (elapsedMs / 1_000) < pace.minBytesPerSecond) watch.abort();
    },
    Math.min(1_000, pace.graceMs),
  );
  try {
    for await (const chunk of body) {
      received += chunk.length;
      if (received > maxBytes)
        throw new CodedError('METADATA_TOO_LARGE', `${url} is larger than ${maxBytes} bytes`);
      yield chunk;
    }
  } catch (cause) {
    if (watch.signal.aborted) throw tooSlow(url);
    if (cause instanceof CodedError) throw cause;
    throw new CodedError('REPOSITORY_UNREACHABLE', `${url} broke off`, { cause });
  } finally {
    clearInterval(timer);
    watch.abort();
  }
}

const tooSlow = (url: string): CodedError => new CodedError('DOWNLOAD_TOO_SLOW', `${url} comes too slowly`);
