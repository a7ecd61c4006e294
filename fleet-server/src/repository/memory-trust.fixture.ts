import { expect } from 'vitest';
import type { TrustStore } from '../ports/stores.ts';

/** Every version of every role, and who wants to know of changes. */
export class MemoryTrust implements TrustStore {
  readonly documents = new Map<string, Map<number, string>>();
  onAppend: () => void = () => {};

  async get(role: string, version?: number): Promise<string | null> {
    const all = this.documents.get(role) ?? new Map<number, string>();
    return all.get(version ?? Math.max(...all.keys())) ?? null;
  }

  async put(role: string, version: number, document: string): Promise<void> {
    const all = this.documents.get(role) ?? new Map<number, string>();
    expect(version).toBeGreaterThan(Math.max(0, ...all.keys()));
    this.documents.set(role, all.set(version, document));
    this.onAppend();
  }

  /** As a backup has it. */
  copy(): MemoryTrust {
    const copy = new MemoryTrust();
    for (const [role, all] of this.documents) copy.documents.set(role, new Map(all));
    return copy;
  }
}
