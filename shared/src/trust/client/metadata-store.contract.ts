import { describe, expect, it } from 'vitest';
import type { TrustMetadataStore } from './metadata-store.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (read: Uint8Array | null | undefined): string | null =>
  read ? Buffer.from(read).toString() : null;

/** What every store of trusted metadata keeps. `make` gives an empty one. */
export function describeTrustMetadataStore(name: string, make: () => Promise<TrustMetadataStore>): void {
  describe(`TrustMetadataStore: ${name}`, () => {
    it('has nothing to trust before its first root', async () => {
      const store = await make();
      await expect(store.load()).rejects.toMatchObject({ code: 'METADATA_MISSING' });
    });

    it('starts from the first root and keeps it beside the newest one', async () => {
      const store = await make();
      await store.init(bytes('one'), 1);
      await store.keepRoot(2, bytes('two'));
      const { factoryRoot, root, rootFloor } = await store.load();
      expect([text(factoryRoot), text(root), rootFloor]).toEqual(['one', 'two', 2]);
    });

    it('replaces and drops roles, each under its own name', async () => {
      const store = await make();
      await store.init(bytes('one'), 1);
      await store.keep('timestamp', bytes('a'));
      await store.keep('timestamp', bytes('b'));
      await store.keep('m.tiny', bytes('c'));
      await store.keep('../odd?', bytes('d'));
      await store.drop('snapshot');
      const roles = Object.fromEntries(
        [...(await store.load()).roles].map(([role, one]) => [role, text(one)]),
      );
      expect(roles).toEqual({ timestamp: 'b', 'm.tiny': 'c', '../odd?': 'd' });
      await store.drop('timestamp');
      expect((await store.load()).roles.has('timestamp')).toBe(false);
    });

    it('forgets everything when it is given a first root again', async () => {
      const store = await make();
      await store.init(bytes('one'), 1);
      await store.keepRoot(7, bytes('seven'));
      await store.keep('timestamp', bytes('a'));
      await store.init(bytes('other'), 3);
      const { root, rootFloor, roles } = await store.load();
      expect([text(root), rootFloor, roles.size]).toEqual(['other', 3, 0]);
    });
  });
}
