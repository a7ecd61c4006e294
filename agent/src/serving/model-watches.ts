import { type ModelWatch, watchOf } from '../core/model-watch.ts';
import { LastCounts } from './last-counts.ts';
import type { ServingRouter } from './router.ts';

/** Asks what the active releases saw of their inputs, by model. Within half a second, as `LastCounts` says. */
export function modelWatches(router: ServingRouter): () => Promise<Readonly<Record<string, ModelWatch>>> {
  const lastCounts = new LastCounts();
  return async () => {
    const active = router.models().flatMap((model) => router.view(model)?.active ?? []);
    const counts = await lastCounts.of(active);
    return Object.fromEntries([...counts].map(([{ spec }, counted]) => [spec.model, watchOf(counted)]));
  };
}
