import { Id, MAX_RESULTS_BYTES, ResultsFile } from '@ringfleet/shared/protocol';
import { MAX_BUNDLE_DEVICES } from '@ringfleet/shared/trust';
import { Type } from 'typebox';
import { changeOf } from '../access.ts';
import { answers, asAnswer } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const DAY_MS = 86_400_000;
const Selector = Type.String({ minLength: 1, maxLength: 1_000 });
const Devices = Type.Array(Id, { maxItems: MAX_BUNDLE_DEVICES });
const Artifact = Type.Object({ path: Type.String(), length: Type.Integer(), sha256: Type.String() });

const Plan = Type.Object({ devices: Type.Array(Type.String()), artifacts: Type.Array(Artifact) });
const Made = Type.Object({
  version: Type.Integer(),
  expiresAtMs: Type.Integer(),
  devices: Type.Array(Type.String()),
  /** The text of bundle.json; it lists artifacts as well, which are fetched by digest. */
  bundle: Type.String(),
  files: Type.Unsafe<Record<string, string>>({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'metadata, assignments and acknowledgements, by their path in the folder',
  }),
});
const Taken = Type.Object({
  device: Type.String(),
  atMs: Type.Integer(),
  reports: Type.Integer(),
  quarantined: Type.Integer(),
  waiting: Type.Integer(),
});

/** What is carried by hand to devices without a network, and what comes back from them. */
export function bundleRoutes(app: App, { bundles, takeResults, clock }: PeopleParts): void {
  app.get(
    '/bundles/plan',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'What a bundle for these devices would hold; nothing is signed',
        tags: ['bundles'],
        querystring: Type.Object(
          { devices: Type.Optional(Type.String({ maxLength: 20_000 })), selector: Type.Optional(Selector) },
          { additionalProperties: false },
        ),
        response: answers(Plan),
      },
    },
    async ({ query }) => {
      const devices = (query.devices ?? '').split(',').filter((id) => id !== '');
      return asAnswer(await bundles.plan({ devices, selector: query.selector ?? null }));
    },
  );

  app.post(
    '/bundles',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Sign a bundle for devices without a network',
        description:
          'Good for 90 days at most. `ringfleet bundle export` writes it with its artifacts to a folder.',
        tags: ['bundles'],
        body: Type.Object(
          {
            devices: Type.Optional(Devices),
            selector: Type.Optional(Selector),
            expiresInMs: Type.Integer({ minimum: 60_000, maximum: 36_500 * DAY_MS }),
          },
          { additionalProperties: false },
        ),
        response: answers(Made, 201),
      },
    },
    async (request, reply) => {
      const { devices = [], selector = null, expiresInMs } = request.body;
      const made = await bundles.make({ devices, selector }, expiresInMs, changeOf(request, clock));
      return reply.code(201).send(asAnswer(made));
    },
  );

  app.post(
    '/bundles/results',
    {
      config: { role: 'operator' },
      bodyLimit: 2 * MAX_RESULTS_BYTES,
      schema: {
        summary: 'Take in what a device without a network had somebody carry',
        description: 'Signed by the device; the same file again changes nothing.',
        tags: ['bundles'],
        body: ResultsFile,
        response: answers(Taken),
      },
    },
    async (request) => asAnswer(await takeResults(request.body)),
  );
}
