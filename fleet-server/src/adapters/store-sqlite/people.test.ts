import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT } from '../../ports/log.ts';
import { describePeople } from '../../ports/people.contract.ts';
import { openStores } from './index.ts';

describePeople('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ringfleet-people-store-'));
  const stores = openStores(folder, { log: SILENT });
  const dispose = async (): Promise<void> => {
    stores.close();
    await rm(folder, { recursive: true });
  };
  return { stores, dispose };
});
