import { type BlockedBy, blockedBy } from './blocked-by.ts';
import { desiredModels } from './desired.ts';
import type { Rollout, RolloutRing } from './domain.ts';
import { formatDuration } from './duration.ts';
import type { Snapshot } from './rollout/snapshot.ts';
import { clause, count } from './wording.ts';

export interface Explanation {
  readonly rollout: string;
  /** The chain of reasons, first cause first. */
  readonly sentences: readonly string[];
  /** Every device of the rollout's rings that is not where it should be. */
  readonly devices: readonly ({ readonly device: string; readonly ring: string } & BlockedBy)[];
}

/** Why a rollout stands where it stands, down to the devices it waits for. */
export function explain(snapshot: Snapshot): Explanation {
  const { rollout } = snapshot;
  const devices = rollout.rings.flatMap((ring) => blockedIn(snapshot, ring));
  const sentences = [stateOf(rollout), ...rollout.rings.map((ring) => ringSentence(rollout, ring))];
  const blocked = Map.groupBy(devices, ({ ring, code }) => `${ring} ${code}`);
  for (const group of blocked.values()) {
    const [first] = group;
    if (!first) continue;
    const others = group.length === 1 ? '' : ` (and ${group.length - 1} more of ring ${first.ring})`;
    sentences.push(`${first.device}${others}, ${first.code}: ${first.sentence}`);
  }
  return { rollout: rollout.id, sentences, devices };
}

function stateOf(rollout: Rollout): string {
  const { model, version, state, createdBy, reason } = rollout;
  const words = state === 'completedWithStragglers' ? 'complete, with stragglers' : state;
  const why = reason ? `: ${clause(reason)}` : '';
  return `The rollout of ${model} ${version}, started by ${createdBy}, is ${words}${why}.`;
}

function ringSentence(rollout: Rollout, { plan, state, gate, previous }: RolloutRing): string {
  const found = gate ? ` ${gate.code}: ${gate.sentence} ${gate.claim}` : '';
  switch (state) {
    case 'waiting': {
      const before = rollout.rings.find((ring) => ring.state !== 'passed')?.plan.ring;
      const first = before === plan.ring ? 'nothing but its turn' : `the gate of ring ${before}`;
      return `Ring ${plan.ring} waits for ${first}.`;
    }
    case 'open':
      return `Ring ${plan.ring} is open for at most ${formatDuration(plan.deadlineMs)}.${found}`;
    case 'passed':
      return `Ring ${plan.ring} passed.${found}`;
    case 'failed':
      return `Ring ${plan.ring} failed and keeps ${rollout.version} until somebody decides.${found}`;
    case 'rolledBack':
      return `Ring ${plan.ring} went back to ${previous?.version ?? 'nothing'}.${found}`;
    default:
      return state satisfies never;
  }
}

function blockedIn(snapshot: Snapshot, { plan }: RolloutRing): Explanation['devices'] {
  const { rollout, membership, devices, models, assignments } = snapshot;
  const all = [...assignments.values()];
  return (membership.members.get(plan.ring) ?? []).flatMap((id) => {
    const device = devices.get(id);
    if (!device) return [];
    const desired =
      desiredModels(device, membership, all).find(({ model }) => model === rollout.model) ?? null;
    const state = models.get(id);
    const blocked = blockedBy({ device, ring: plan.ring, model: rollout.model, desired, state, rollout });
    return blocked ? [{ device: id, ring: plan.ring, ...blocked }] : [];
  });
}

/** `3 of 40 devices are offline or busy` for one line of progress. */
export function progressOf(rollout: Rollout): string {
  const open = rollout.rings.find((ring) => ring.state === 'open' || ring.state === 'failed');
  if (!open?.gate) return `${rollout.model} ${rollout.version}: ${rollout.state}`;
  const { proven, members, failed, unreached } = open.gate.counts;
  return `${rollout.model} ${rollout.version}: ${rollout.state}, ring ${open.plan.ring}: ${proven} of ${count(members, 'device')} proven, ${failed} failed, ${unreached} unreached. ${open.gate.sentence}`;
}
