import { CodedError } from '../errors/index.ts';
import { releaseTargetPath } from './model-role.ts';
import type { AssignedModel, Assignment, AssignmentModel, ModelRole } from './types.ts';

/**
 * Uptane's second opinion: what the director assigns must be what the model's publisher signed, field by field, and not
 * below the floor. `floors` holds the device's floor per model; a model without one has floor 0. Throws
 * RELEASE_NOT_SIGNED, ASSIGNMENT_MISMATCH or RELEASE_BELOW_FLOOR.
 */
export function crossCheck(
  assignment: Assignment,
  modelRoles: ReadonlyMap<string, ModelRole>,
  floors: ReadonlyMap<string, number>,
): AssignedModel[] {
  return assignment.models.map((model) =>
    checkOne(model, modelRoles.get(model.model), floors.get(model.model) ?? 0),
  );
}

function checkOne(assigned: AssignmentModel, role: ModelRole | undefined, floor: number): AssignedModel {
  const { model, version } = assigned;
  const path = releaseTargetPath(model, version);
  const signed =
    role?.model === model ? role.releases.find((release) => release.version === version) : undefined;
  if (role === undefined || signed === undefined) {
    throw new CodedError(
      'RELEASE_NOT_SIGNED',
      `${model} ${version} is not among the releases its publisher signed`,
    );
  }
  const pairs = [
    ['length', assigned.manifestLength, signed.length],
    ['sha256', assigned.manifestSha256, signed.sha256],
    ['releaseCounter', assigned.releaseCounter, signed.releaseCounter],
  ] as const;
  for (const [field, theirs, publishers] of pairs) {
    if (theirs === publishers) continue;
    throw new CodedError(
      'ASSIGNMENT_MISMATCH',
      `${model} ${version}: the assignment says ${field} ${theirs}, its publisher ${publishers}`,
      { at: `${path}/${field}` },
    );
  }
  const lowest = Math.max(floor, role.minReleaseCounter);
  if (signed.releaseCounter < lowest) {
    throw new CodedError(
      'RELEASE_BELOW_FLOOR',
      `${model} ${version} has release counter ${signed.releaseCounter}, below the floor ${lowest}`,
    );
  }
  return {
    ...assigned,
    digest: `sha256:${signed.sha256}`,
    path,
    minReleaseCounter: role.minReleaseCounter,
  };
}
