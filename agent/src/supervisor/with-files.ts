import { CodedError } from '@ringfleet/shared/errors';
import type { DeviceApi } from '../ports/device-api.ts';
import type { FetchedFiles, Wants } from '../ports/trust-store.ts';

/** New roots, the three online and top roles, and one file per model. */
const MAX_FILES = 128;

/** Repeats a step of the trust store with the metadata files it asks for, and says how many those were. */
export async function withFiles<T extends { readonly kind: string }>(
  api: Pick<DeviceApi, 'metadata'>,
  signal: AbortSignal,
  step: (files: FetchedFiles) => Promise<T | Wants>,
): Promise<{ readonly outcome: T; readonly asked: number }> {
  const files: Record<string, string | null> = {};
  for (let asked = 0; asked < MAX_FILES; asked += 1) {
    const outcome = await step(files);
    if (!isWants(outcome)) return { outcome, asked };
    files[outcome.file] = await api.metadata(outcome.file, signal);
  }
  throw new CodedError('METADATA_TOO_LARGE', `more than ${MAX_FILES} metadata files were needed`);
}

const isWants = (outcome: { readonly kind: string }): outcome is Wants => outcome.kind === 'wants';
