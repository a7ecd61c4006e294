import type { Signer } from '@ringfleet/shared/trust';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { BundleDesk } from '../bundles/bundle-desk.ts';
import { VERSION } from '../config-version.ts';
import type { AgentPackages } from '../ports/agent-packages.ts';
import { SILENT } from '../ports/log.ts';
import type { PasswordHasher, SessionStore } from '../ports/people.ts';
import type { BlobStore, Stores } from '../ports/stores.ts';
import type { WebhookSender } from '../ports/webhooks.ts';
import { createPeopleApp } from './app.ts';
import { Sessions } from './sessions.ts';
import { SetupCode } from './setup-codes.ts';

/** The API's OpenAPI document; opens no data folder and no port. */
export async function describeApi(): Promise<object> {
  // Routes are only described: no handler runs, so nothing is behind these.
  const nothing = {} as unknown;
  const app = await createPeopleApp({
    stores: nothing as Stores,
    blobs: nothing as BlobStore,
    onlineKey: nothing as Signer,
    caPin: '',
    caPem: '',
    packages: nothing as AgentPackages,
    adminToken: '',
    sessions: new Sessions(nothing as SessionStore, () => 0),
    setup: new SetupCode(() => 0),
    passwords: nothing as PasswordHasher,
    auditTrail: nothing as AuditTrail,
    webhookSender: nothing as WebhookSender,
    bundles: nothing as BundleDesk,
    takeResults: () => Promise.reject(new Error('nothing is behind it')),
    config: { fleet: '', version: VERSION, publicUrl: () => '', maxArtifactBytes: 0 },
    clock: () => 0,
    log: SILENT,
  });
  try {
    await app.ready();
    return app.swagger();
  } finally {
    await app.close();
  }
}
