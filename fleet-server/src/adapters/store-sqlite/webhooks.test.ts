import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT } from '../../ports/log.ts';
import { describeWebhooks } from '../../ports/webhooks.contract.ts';
import { openStores } from './index.ts';

describeWebhooks('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ringfleet-webhooks-'));
  const stores = openStores(folder, { log: SILENT });
  const dispose = async (): Promise<void> => {
    stores.close();
    await rm(folder, { recursive: true });
  };
  return { stores, dispose };
});
