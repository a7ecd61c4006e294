import type { EventReport } from '@ringfleet/shared/protocol';
import type { Variant } from '@ringfleet/shared/release';

export interface ProviderPlan {
  /** Providers in the order they are tried. */
  readonly candidates: readonly string[];
  /** Whether the CPU may take nodes that a provider cannot run. */
  readonly mayMix: boolean;
}

/** A provider that was passed over, and why. */
export interface PassedOver {
  readonly name: string;
  readonly why: string;
}

export interface ProviderOutcome {
  readonly asked: readonly string[];
  readonly active: string;
  readonly reason: string;
  /** Nodes of the model per provider, as a profiled run counted them; absent when none was needed or possible. */
  readonly nodes?: Readonly<Record<string, number>>;
}

/**
 * What may be tried for a variant. `forbid`: the first provider and nothing else, for every node. `allow`: the variant's
 * order, then the CPU. Without a word: the variant's order.
 */
export function providerPlan(variant: Pick<Variant, 'constraints' | 'session'>): ProviderPlan {
  const { providers } = variant.constraints;
  switch (variant.session.fallback) {
    case 'forbid':
      return { candidates: providers.slice(0, 1), mayMix: false };
    case 'allow':
      return { candidates: [...new Set([...providers, 'cpu'])], mayMix: true };
    case undefined:
      return { candidates: [...new Set(providers)], mayMix: true };
    default:
      return variant.session.fallback satisfies never;
  }
}

/** Whether a session that ran on `name` is what was asked for: at least one node has to have run there. */
export function provesProvider(name: string, nodes: Readonly<Record<string, number>> | undefined): boolean {
  return (nodes?.[name] ?? 0) > 0;
}

export function outcomeOf(
  asked: readonly string[],
  active: string,
  passedOver: readonly PassedOver[],
  nodes?: Readonly<Record<string, number>>,
): ProviderOutcome {
  const elsewhere = Object.entries(nodes ?? {}).filter(([name]) => name !== active);
  const sentences = [
    ...passedOver.map(({ name, why }) => `${name}: ${why}`),
    ...elsewhere.map(([name, count]) => `${count} ${count === 1 ? 'node runs' : 'nodes run'} on ${name}`),
  ];
  const reason = sentences.length === 0 ? 'first choice' : sentences.join('; ').slice(0, 500);
  return { asked, active, reason, ...(nodes ? { nodes } : {}) };
}

/** Not the first choice, or not for every node: worth an event. */
export function isDowngrade({ asked, active, nodes }: ProviderOutcome): boolean {
  return asked[0] !== active || Object.keys(nodes ?? {}).some((name) => name !== active);
}

/** What a person reads when a release runs elsewhere than it was meant to. */
export function eventOfDowngrade(model: string, version: string, outcome: ProviderOutcome): EventReport {
  const { asked, active, reason } = outcome;
  const message = `${model} ${version} asks for ${asked.join(', ')} and runs on ${active}. ${reason}`;
  return {
    kind: 'downgrade',
    severity: 'warning',
    code: 'PROVIDER_DOWNGRADED',
    message: message.slice(0, 1000),
    model,
    version,
    data: { asked: asked.join(','), active, reason: reason.slice(0, 500) },
  };
}
