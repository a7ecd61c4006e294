import type { Manifest } from '@ringfleet/shared/release';
import type { CheckResult, Runner } from '../ports/runtime.ts';

export type PreflightResult =
  | { readonly ok: true; readonly sentence: string }
  | { readonly ok: false; readonly code: string; readonly sentence: string };

/** The release that answers now, on disk. */
export interface ActiveRelease {
  readonly version: string;
  readonly slotDir: string;
  readonly manifest: Manifest;
}

/**
 * Proves a loaded candidate before it answers anybody: its conformance samples prove this device, its acceptance samples
 * the release, and those of the active release that it does not do worse than what it replaces.
 */
export async function preflight(
  candidate: Runner,
  active: ActiveRelease | null,
  signal: AbortSignal,
): Promise<PreflightResult> {
  const { manifest, slotDir } = candidate.spec;
  const conformance = await candidate.checkConformance(signal);
  if (!conformance.ok) return conformance;
  const limitUs = manifest.limits.inferMs * 1000;
  if (conformance.medianUs > limitUs) {
    const sentence = `median ${conformance.medianUs / 1000} ms on this device, allowed are ${manifest.limits.inferMs} ms`;
    return { ok: false, code: 'LATENCY_OVER_LIMIT', sentence };
  }
  const sentences = [conformance.sentence];
  if (manifest.acceptance) {
    const own = await candidate.checkAcceptance(slotDir, manifest, signal);
    if (!own.ok) return own;
    sentences.push(own.sentence);
  }
  if (active?.manifest.acceptance) {
    const result = judgeOnActive(
      candidate,
      active,
      await candidate.checkAcceptance(active.slotDir, active.manifest, signal),
    );
    if (!result.ok) return result;
    sentences.push(result.sentence);
  }
  return { ok: true, sentence: sentences.join(' ') };
}

function judgeOnActive(candidate: Runner, active: ActiveRelease, result: CheckResult): PreflightResult {
  const names = `${candidate.spec.version} on the samples of the active ${active.version}`;
  if (result.ok) return { ok: true, sentence: `${names}: ${result.sentence}` };
  // Other inputs or labels than before: the sets cannot be compared, which says nothing against either.
  if (result.code === 'SAMPLES_NOT_COMPARABLE') return { ok: true, sentence: `${names}: not comparable.` };
  const code = result.code === 'ACCEPTANCE_FAILED' ? 'ACCEPTANCE_OF_ACTIVE_FAILED' : result.code;
  return { ok: false, code, sentence: `${names}: ${result.sentence}` };
}
