import type { TrustMetadataStore } from './metadata-store.ts';
import type { Workflow } from './refresh.ts';

/** Fetches one file of a repository, never more than `maxBytes`; null when there is no such file. */
export type FetchMetadata = (file: string, maxBytes: number) => Promise<Uint8Array | null>;

/** Drives a workflow: fetches and stores as it asks, in its order. */
export async function runWorkflow<T>(
  workflow: Workflow<T>,
  store: TrustMetadataStore,
  fetchMetadata: FetchMetadata,
): Promise<T> {
  let reply: Uint8Array | null | undefined;
  for (;;) {
    const step = workflow.next(reply);
    if (step.done) return step.value;
    reply = undefined;
    const request = step.value;
    switch (request.type) {
      case 'fetch':
        reply = await fetchMetadata(request.file, request.maxBytes);
        break;
      case 'keepRoot':
        await store.keepRoot(request.version, request.bytes);
        break;
      case 'keep':
        await store.keep(request.role, request.bytes);
        break;
      case 'drop':
        await store.drop(request.role);
        break;
    }
  }
}
