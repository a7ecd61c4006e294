import { Digest, Id, Name, Version } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import { RolloutPlanSpec } from '../../core/plan-schema.ts';
import { Terms } from '../../core/terms.ts';
import { TermsSpec } from '../../core/terms-schema.ts';
import { nullable, StringMap } from '../schemas.ts';

export const ByRing = Type.Object({ name: Name });

const Selector = Type.String({
  maxLength: 2_000,
  description: "Kubernetes' label-selector grammar over labels and facts: `site=a,fact.arch in (x64)`",
});
const Share = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  description: 'basis points of the devices that no earlier ring took; at least one device',
});
const Ordinal = Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'lowest first' });

/** What a person says about a ring. */
export const RingBody = Type.Object(
  {
    ordinal: Ordinal,
    selector: Type.Optional(nullable(Selector)),
    devices: Type.Optional(Type.Array(Id, { maxItems: 10_000, uniqueItems: true })),
    shareBasisPoints: Type.Optional(nullable(Share)),
  },
  { additionalProperties: false },
);

export const RingView = Type.Object({
  name: Name,
  ordinal: Ordinal,
  selector: nullable(Selector),
  devices: Type.Array(Id),
  shareBasisPoints: nullable(Share),
  revision: Type.Integer(),
  members: Type.Integer(),
  connected: Type.Integer(),
  assignments: Type.Array(
    Type.Object({
      model: Name,
      version: Version,
      digest: Digest,
      rollout: nullable(Type.String()),
      terms: nullable(Terms),
      sinceMs: Type.Integer(),
    }),
  ),
});

export const AssignBody = Type.Object(
  {
    model: Name,
    version: Version,
    soak: Type.Optional({
      ...RolloutPlanSpec.properties.soak,
      description: 'how long devices watch it before they commit; without it their defaults',
    }),
    terms: Type.Optional({
      ...TermsSpec,
      description: 'what is asked of the devices besides; they replace those of before',
    }),
  },
  { additionalProperties: false },
);

/** Every order answers with something to watch. */
export const Assigned = Type.Object({
  ring: Name,
  model: Name,
  version: Version,
  digest: Digest,
  attempt: Type.Integer(),
  members: Type.Integer(),
  connected: Type.Integer(),
  sentence: Type.String(),
});

export const PreviewQuery = Type.Object(
  {
    selector: Type.Optional(Selector),
    shareBasisPoints: Type.Optional(Share),
    ordinal: Type.Optional(Ordinal),
    devices: Type.Optional(Type.String({ maxLength: 20_000, description: 'device ids, comma between them' })),
  },
  { additionalProperties: false },
);

export const Preview = Type.Object({
  sentence: Type.String(),
  matches: Type.Integer(),
  of: Type.Integer(),
  /** At most 500. */
  devices: Type.Array(
    Type.Object({ id: Id, ring: nullable(Name), isConnected: Type.Boolean(), labels: StringMap }),
  ),
  orphans: Type.Array(Id, { description: 'devices that no ring takes today, at most 500' }),
  overlaps: Type.Array(Type.Object({ device: Id, rings: Type.Array(Name) }), {
    description: 'devices that several rings claim; the first one has them; at most 500',
  }),
});
