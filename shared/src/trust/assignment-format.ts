import { Type } from 'typebox';
import { CodedError } from '../errors/index.ts';
import { AssignmentTerms } from '../protocol/assignment-terms.ts';
import { checkerOf } from '../protocol/check.ts';
import { Count, EpochMs, Id, Name, Uuid, Version } from '../protocol/ids.ts';
import { releaseTargetPath } from './model-role.ts';
import { asTargets } from './read-document.ts';
import type { UnverifiedDocument } from './signed-document.ts';
import type { AssignmentContent } from './types.ts';

const Header = Type.Object({
  'x-ringfleet-assignment': Type.Object({
    fleet: Id,
    device: Id,
    directorEpoch: Count,
    generation: Count,
    issuedAt: EpochMs,
  }),
});

const AssignmentTarget = Type.Object({
  length: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  hashes: Type.Object({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) }),
  custom: Type.Object({
    model: Name,
    version: Version,
    releaseCounter: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    variants: Type.Array(Name, { minItems: 1, maxItems: 16 }),
    mode: Type.Literal('run'),
    attempt: Count,
    rollout: Type.Optional(Uuid),
    soakMs: Count,
    minInferences: Count,
    soakDeadlineMs: Count,
    installBefore: EpochMs,
    ...AssignmentTerms,
  }),
});

const checkHeader = checkerOf(Header, 'assignment', 'METADATA_MALFORMED');
const checkTargets = checkerOf(
  Type.Record(Type.String(), AssignmentTarget),
  'assignment',
  'METADATA_MALFORMED',
);

/** Reads the content of a director document; its signatures are the caller's business. Throws METADATA_MALFORMED. */
export function readAssignment(document: UnverifiedDocument): AssignmentContent {
  const targets = asTargets('assignment', document);
  const header = checkHeader(document.signed)['x-ringfleet-assignment'];
  const models = Object.entries(checkTargets(targets.toJSON()['targets'])).map(([path, target]) => {
    const { length, hashes, custom } = target;
    if (path !== releaseTargetPath(custom.model, custom.version)) {
      throw new CodedError(
        'ASSIGNMENT_MISMATCH',
        `the target ${path} is not ${custom.model} ${custom.version}`,
        {
          at: '/targets',
        },
      );
    }
    return { ...custom, manifestLength: length, manifestSha256: hashes.sha256 };
  });
  if (new Set(models.map((model) => model.model)).size !== models.length) {
    throw new CodedError('METADATA_MALFORMED', 'the assignment lists a model twice', { at: '/targets' });
  }
  return {
    fleet: header.fleet,
    device: header.device,
    directorEpoch: header.directorEpoch,
    generation: header.generation,
    tufVersion: targets.version,
    issuedAt: header.issuedAt,
    expires: Date.parse(targets.expires),
    models,
  };
}
