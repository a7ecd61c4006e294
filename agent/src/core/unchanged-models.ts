import {
  type AssignedModel,
  type Assignment,
  type AssignmentModel,
  assignmentContentHash,
} from '@ringfleet/shared/trust';
import type { Desired } from './assignment-plan.ts';

/**
 * The models of which an assignment says what the accepted one says already, dates aside, as they were agreed on then. A
 * publisher's expired or withheld metadata holds back their own model; these go on as they are (docs/decisions).
 */
export function unchangedModels(
  assignment: Assignment,
  accepted: Desired | null,
): ReadonlyMap<string, AssignedModel> {
  const same = (accepted?.models ?? []).filter((old) => {
    const now = assignment.models.find(({ model }) => model === old.model);
    return now !== undefined && hashOf(assignment, now) === hashOf(assignment, plain(old));
  });
  return new Map(same.map((old) => [old.model, old]));
}

const hashOf = ({ fleet, device }: Assignment, model: AssignmentModel): string =>
  assignmentContentHash({ fleet, device, models: [model] });

/** What the director said of it. */
function plain({
  digest: _,
  path: _path,
  minReleaseCounter: _floor,
  ...model
}: AssignedModel): AssignmentModel {
  return model;
}
