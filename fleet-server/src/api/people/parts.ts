import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Signer } from '@ringfleet/shared/trust';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { BundleDesk } from '../../bundles/bundle-desk.ts';
import type { TakeResults } from '../../bundles/carried-results.ts';
import type { AgentPackages } from '../../ports/agent-packages.ts';
import type { Clock, Log } from '../../ports/log.ts';
import type { PasswordHasher } from '../../ports/people.ts';
import type { BlobStore, Stores } from '../../ports/stores.ts';
import type { WebhookSender } from '../../ports/webhooks.ts';

/** The app as route files see it: schemas give the types. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What the people's routes are made of. */
export interface PeopleParts {
  readonly stores: Stores;
  readonly blobs: BlobStore;
  readonly passwords: PasswordHasher;
  readonly auditTrail: AuditTrail;
  readonly webhookSender: WebhookSender;
  /** What is carried to devices without a network, and back. */
  readonly bundles: BundleDesk;
  readonly takeResults: TakeResults;
  /** `sha256:<hex>` of the root certificate's DER. */
  readonly caPin: string;
  readonly caPem: string;
  /** The agent's, for devices that have nothing yet. */
  readonly packages: AgentPackages;
  /** The director's, snapshot's and timestamp's key. */
  readonly onlineKey: Signer;
  readonly config: PeopleConfig;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PeopleConfig {
  readonly fleet: string;
  /** https://host:port of the people listener as devices reach it; known once it listens. */
  readonly publicUrl: () => string;
  readonly version: string;
  readonly maxArtifactBytes: number;
}
