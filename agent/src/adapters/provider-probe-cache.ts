import { readFileSync } from 'node:fs';
import { Capabilities, checkerOf } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { writeDurably } from './durable-file.ts';
import type { ProbedProviders } from './provider-probe.ts';

const ProbeCache = Type.Object({
  v: Type.Literal(1),
  /** sha256 of the library that was probed. */
  library: Type.String(),
  /** A newer agent may ask more of a probe. */
  arch: Type.String(),
  runtime: Capabilities.properties.runtime,
  providers: Capabilities.properties.providers,
});
const check = checkerOf(ProbeCache, 'probe cache', 'STATE_INVALID');

/** Earlier results for this very library, or nothing. */
export function readProbeCache(file: string | undefined, library: string): ProbedProviders | undefined {
  if (file === undefined) return undefined;
  try {
    const cache: Static<typeof ProbeCache> = check(JSON.parse(readFileSync(file, 'utf8')));
    return cache.library === library && cache.arch === process.arch ? cache : undefined;
  } catch {
    // Not there, cut short, or of another version: probing again is all it costs.
    return undefined;
  }
}

export async function writeProbeCache(
  file: string | undefined,
  library: string,
  { runtime, providers }: ProbedProviders,
): Promise<void> {
  if (file === undefined) return;
  const cache = { v: 1, library, arch: process.arch, runtime, providers };
  await writeDurably(file, Buffer.from(`${JSON.stringify(cache)}\n`));
}
