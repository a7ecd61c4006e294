import { type ModelRole, modelRoleName, type Root, readModelRole, readRoot } from '@ringfleet/shared/trust';
import type { TrustStore } from '../ports/stores.ts';

/** The newest documents that assignments are made from. Null: nobody has published one. */
export interface PublishedDocuments {
  root(): Promise<Root | null>;
  /** `m.<model>`: every release of the model and its floor. */
  role(model: string): Promise<ModelRole | null>;
}

/**
 * Asks the store each time and reads a text once: every contact of a device needs these documents, they change when a
 * publisher signs, and reading one costs more than all else of an assignment. Keeps one reading for each role.
 */
export function publishedDocuments(trust: TrustStore): PublishedDocuments {
  const root = newest(trust, readRoot);
  const role = newest(trust, readModelRole);
  return { root: () => root('root'), role: (model) => role(modelRoleName(model)) };
}

function newest<T>(trust: TrustStore, read: (text: string) => T): (role: string) => Promise<T | null> {
  const known = new Map<string, { readonly text: string; readonly reading: T }>();
  return async (role) => {
    const text = await trust.get(role);
    if (text === null) return null;
    const last = known.get(role);
    if (last?.text === text) return last.reading;
    const reading = read(text);
    known.set(role, { text, reading });
    return reading;
  };
}
