import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import {
  outcomeOf,
  type PassedOver,
  type ProviderOutcome,
  type ProviderPlan,
  provesProvider,
} from '../../core/provider-choice.ts';
import type { RunSettings } from '../../core/run-profile.ts';
import type { Backend, BackendSession, OpenOptions } from '../backends/backend.ts';
import type { LoadStage } from '../messages.ts';
import { providerNamed } from './registry.ts';

const PROVIDERS_OWN: readonly ErrorCode[] = ['MODEL_LOAD_FAILED', 'PROVIDER_NOT_AVAILABLE'];

export interface OpenRequest {
  readonly backend: Backend;
  readonly path: string;
  readonly asked: readonly string[];
  readonly plan: ProviderPlan;
  /** Providers whose probe failed on this device: trying them could end the process. */
  readonly unusable: readonly PassedOver[];
  readonly settings: RunSettings;
  /** Told before and after a provider that compiles does so: its first run may be part of it. */
  readonly onStage: (stage: LoadStage, provider: string) => void;
  readonly providerOptions: (provider: string) => Readonly<Record<string, string>>;
  /** One run; it also shows where the nodes run. */
  readonly warmUp: (session: BackendSession) => Promise<void>;
}

/**
 * Opens the model on the first provider of the plan that really runs it. Silent fallback is impossible: a session counts
 * as running on a provider only when the library refused the CPU for every node, or when a profile shows nodes there.
 * Throws PROVIDER_NOT_AVAILABLE with what each one said, and MODEL_LOAD_FAILED when the CPU itself cannot load it.
 */
export async function openOnProvider(
  request: OpenRequest,
): Promise<{ session: BackendSession; outcome: ProviderOutcome }> {
  const passedOver: PassedOver[] = [];
  for (const name of request.plan.candidates) {
    const why = whyNot(request, name);
    if (why !== undefined) {
      passedOver.push({ name, why });
      continue;
    }
    try {
      const isCompiled = providerNamed(name)?.isCompiled === true;
      if (isCompiled) request.onStage('compiling', name);
      const { session, nodes } = await (name === 'cpu'
        ? openOnCpu(request)
        : openElsewhere(request, name)
      ).finally(() => isCompiled && request.onStage('loading', name));
      return { session, outcome: outcomeOf(request.asked, name, passedOver, nodes) };
    } catch (err) {
      // What the CPU cannot load is the model's fault, not a provider's; other codes are about the model anyway.
      if (name === 'cpu' || !(err instanceof CodedError) || !PROVIDERS_OWN.includes(err.code)) throw err;
      passedOver.push({ name, why: err.message.slice(0, 200) });
    }
  }
  const said = passedOver.map(({ name, why }) => `${name}: ${why}`).join('; ');
  throw new CodedError('PROVIDER_NOT_AVAILABLE', `the variant asks for ${request.asked.join(', ')}. ${said}`);
}

function whyNot({ backend, unusable }: OpenRequest, name: string): string | undefined {
  if (!providerNamed(name)) return 'unknown to this agent';
  const failed = unusable.find((one) => one.name === name);
  if (failed) return failed.why;
  return backend.compiledIn().includes(name) ? undefined : `not in this ${backend.name} ${backend.version}`;
}

interface Opened {
  readonly session: BackendSession;
  readonly nodes?: Readonly<Record<string, number>>;
}

async function openOnCpu(request: OpenRequest): Promise<Opened> {
  const session = await request.backend.open(request.path, optionsOf(request, 'cpu', true));
  await request.warmUp(session);
  return { session };
}

/** Every node on the provider, or, where the plan lets the CPU help, as many as it can run. */
async function openElsewhere(request: OpenRequest, name: string): Promise<Opened> {
  const { backend, path, plan } = request;
  let isStrict = true;
  let session: BackendSession;
  try {
    session = await backend.open(path, optionsOf(request, name, true));
  } catch (err) {
    if (!plan.mayMix) throw err;
    isStrict = false;
    session = await backend.open(path, optionsOf(request, name, false));
  }
  await request.warmUp(session);
  const nodes = await session.nodeCounts();
  if (!isStrict && !provesProvider(name, nodes)) {
    await session.close();
    throw new CodedError('PROVIDER_NOT_AVAILABLE', 'it runs no node of this model');
  }
  return nodes ? { session, nodes } : { session };
}

const optionsOf = (request: OpenRequest, provider: string, isStrict: boolean): OpenOptions => ({
  provider,
  isStrict,
  settings: request.settings,
  isProfiled: provider !== 'cpu',
  providerOptions: request.providerOptions(provider),
});
