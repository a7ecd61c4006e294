import { CodedError } from '@ringfleet/shared/errors';
import {
  CertRequest,
  checkerOf,
  type ReportsReply,
  ReportsRequest,
  WIPE_HEADER,
} from '@ringfleet/shared/protocol';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Assignments } from '../../device-contact/assignments.ts';
import type { DeviceIdentity } from '../../device-contact/identify.ts';
import type { Intake } from '../../device-contact/intake.ts';
import type { Renewals } from '../../device-contact/renewals.ts';
import type { Clock } from '../../ports/log.ts';
import type { BlobStore, Stores } from '../../ports/stores.ts';
import type { TakeLost } from '../../repository/lost-metadata.ts';
import type { Repository } from '../../repository/repository.ts';
import { artifactRoute } from './artifact-route.ts';
import { metadataRoute } from './metadata-route.ts';
import { type TimeParts, timeRoute } from './time-route.ts';

export interface DeviceRouteParts extends TimeParts {
  readonly stores: Stores;
  readonly blobs: BlobStore;
  readonly assignments: Assignments;
  readonly repository: Pick<Repository, 'ensureCurrent'>;
  readonly takeLost: TakeLost;
  readonly renewals: Renewals;
  readonly intake: Pick<Intake, 'pace'>;
  readonly clock: Clock;
  /** A device asked over HTTP for what it would get over MQTT. */
  readonly saw: (device: string) => Promise<void>;
  /** Whether another agent process than this one is connected as the device, and alive. */
  readonly rivalAnswers: (device: string, instance: string) => Promise<boolean>;
}

/** A device that asks over HTTP gives an answer up after a while. */
const LONGEST_PACE_MS = 10_000;

const checkCert = checkerOf(CertRequest, 'certificate request');
const checkReports = checkerOf(ReportsRequest, 'reports request');

/** What an enrolled device may ask over HTTP: its assignment, metadata, files, and the way for reports when MQTT is blocked. */
export function deviceRoutes(parts: DeviceRouteParts): FastifyPluginAsync {
  const { stores, assignments, renewals, clock, rivalAnswers } = parts;
  return async (app) => {
    app.get('/device/v1/assignment', async (request, reply) => {
      const { device } = deviceOf(request);
      await parts.saw(device);
      const { etag, document } = await assignments.assignmentFor(device);
      const wipe = await stores.identities.wipeOrder(device, clock());
      // Fetched apart: most devices never get one.
      if (wipe) reply.header(WIPE_HEADER, wipe.order);
      const tag = `"${etag}"`;
      reply.header('etag', tag).header('cache-control', 'no-cache');
      if (request.headers['if-none-match'] === tag) return reply.code(304).send();
      return reply.type('application/json').send(document);
    });

    app.get('/device/v1/wipe', async (request, reply) => {
      const wipe = await stores.identities.wipeOrder(deviceOf(request).device, clock());
      return wipe ? reply.type('application/json').send(wipe.document) : reply.code(204).send();
    });

    app.post('/device/v1/reports', async (request): Promise<ReportsReply> => {
      const { device } = deviceOf(request);
      await parts.saw(device);
      const { hello, reports } = checkReports(request.body);
      const bytes = Number(request.headers['content-length'] ?? 0);
      await parts.intake.pace(device, reports.length, bytes, AbortSignal.timeout(LONGEST_PACE_MS));
      if (hello) {
        const isRivalAlive = await rivalAnswers(device, hello.instance);
        const answer = await stores.devices.hello(device, hello, clock(), isRivalAlive);
        if (answer === 'clone') throw new CodedError('CLONED_DEVICE');
      }
      return { v: 1, acks: [...(await stores.reports.ingest(device, reports, clock()))] };
    });

    app.post('/device/v1/cert', { bodyLimit: 64 * 1024 }, async (request) =>
      renewals.renew(deviceOf(request), checkCert(request.body).csr),
    );

    metadataRoute(app, stores.trust, parts.repository, parts.takeLost);
    artifactRoute(app, parts.blobs);
    timeRoute(app, parts);
  };
}

function deviceOf(request: FastifyRequest): DeviceIdentity {
  if (!request.device) throw new CodedError('CERTIFICATE_NOT_VALID');
  return request.device;
}
