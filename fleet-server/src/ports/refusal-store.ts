import type { Page, PageQuery } from './stores.ts';

/** Contacts of one address that were refused for one reason. */
export interface RefusedContact {
  readonly address: string;
  readonly code: string;
  /** Of the newest contact, as far as it was known. */
  readonly serial: string | null;
  readonly device: string | null;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly count: number;
}

/** One row per address and code; the oldest are forgotten, so that nobody can fill the disk by being refused. */
export interface RefusalStore {
  add(refusal: Omit<RefusedContact, 'firstAtMs'>): Promise<void>;
  /** Newest first. */
  list(query: PageQuery): Promise<Page<RefusedContact>>;
}
