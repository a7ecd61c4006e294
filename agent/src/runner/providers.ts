import { CodedError } from '@ringfleet/shared/errors';
import type { Variant } from '@ringfleet/shared/release';
import type { InferenceSession } from 'onnxruntime-node';
import type { ProviderChoice } from './messages.ts';

/** One execution provider: what ONNX Runtime is told to use. */
interface Provider {
  readonly sessionOptions: InferenceSession.SessionOptions;
}

/** Providers this build can run. A name that is not here is refused: ONNX Runtime would silently take the CPU. */
const PROVIDERS: ReadonlyMap<string, Provider> = new Map([
  ['cpu', { sessionOptions: { executionProviders: ['cpu'] } }],
]);

/**
 * The first provider of the variant's order that is here; a later one only when the variant allows falling back.
 * Throws PROVIDER_NOT_AVAILABLE.
 */
export function chooseProvider(variant: Variant): ProviderChoice & Provider {
  const asked = variant.constraints.providers;
  const candidates = variant.session.fallback === 'forbid' ? asked.slice(0, 1) : asked;
  const active = candidates.find((name) => PROVIDERS.has(name));
  const provider = active === undefined ? undefined : PROVIDERS.get(active);
  if (active === undefined || !provider) {
    throw new CodedError(
      'PROVIDER_NOT_AVAILABLE',
      `the variant asks for ${candidates.join(', ')}; this agent has ${[...PROVIDERS.keys()].join(', ')}`,
    );
  }
  const skipped = asked.slice(0, asked.indexOf(active));
  const reason = skipped.length === 0 ? 'first choice' : `${skipped.join(', ')} not in this agent`;
  return { asked, active, reason, sessionOptions: provider.sessionOptions };
}
