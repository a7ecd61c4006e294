import type { CatalogPart } from './error-class.ts';

/** Plans and rollouts: what is refused, and why a rollout stops. */
export const ROLLOUT_ERRORS = {
  SELECTOR_INVALID: {
    class: 'INPUT',
    sentence: 'The label selector cannot be read.',
    remedy:
      "Write it in Kubernetes' grammar, for instance `site=hall-2,fact.arch in (arm64,x64)`; the message names the position.",
  },
  PLAN_INVALID: {
    class: 'INPUT',
    sentence: 'The rollout plan cannot be read.',
    remedy:
      'Correct the field that the message names; durations are written like 30m or 72h, shares like 5%.',
  },
  ROLLOUT_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The fleet has no rollout of this id.',
    remedy: 'Look at `ringfleet rollout status`.',
  },
  ROLLOUT_STATE_CONFLICT: {
    class: 'CONFLICT',
    sentence: 'The rollout is not in a state that allows this.',
    remedy: 'Look at `ringfleet rollout status ID`.',
  },
  PLAN_IMPOSSIBLE: {
    class: 'INPUT',
    sentence: 'A gate of the plan can never pass.',
    remedy:
      'Lower what the gate asks for, or put more devices into the ring; the message shows the arithmetic.',
  },
  ROLLOUT_PAUSED_BY_PERSON: {
    class: 'CONFLICT',
    sentence: 'Somebody paused the rollout.',
    remedy: 'Resume it, or abort it.',
  },
  ROLLOUT_OUR_SIDE: {
    class: 'INFRA',
    sentence: 'Devices could not take the release for reasons that are not its own.',
    remedy:
      'Mend the cause that the reason names (storage, network, disk space), then resume: the devices try again.',
  },
  ROLLOUT_TOO_FEW_COMPATIBLE: {
    class: 'DEVICE',
    sentence: 'Too few devices of the ring can run the release for its gate to pass.',
    remedy: 'Build a variant for this hardware, or move devices that can run it into the ring; then resume.',
  },
  ROLLOUT_GATE_DEADLINE: {
    class: 'SITE',
    sentence: 'The gate did not come to a verdict before its deadline.',
    remedy:
      'See with `ringfleet rollout explain ID` which devices it waits for; bring them back, then resume.',
  },
  ROLLOUT_RELEASE_YANKED: {
    class: 'RELEASE',
    sentence: 'The release of the rollout was yanked while it was being rolled out.',
    remedy: 'Abort the rollout with --revert, and roll out another version.',
  },
  ROLLOUT_RING_GONE: {
    class: 'CONFLICT',
    sentence: 'A ring of the plan no longer exists.',
    remedy: 'Create the ring again and resume, or abort the rollout.',
  },
  ROLLOUT_SUPERSEDED: {
    class: 'CONFLICT',
    sentence: 'A newer rollout or a direct assignment took over a ring of this rollout.',
    remedy: 'Nothing to do; the newer decision holds.',
  },
  ROLLOUT_ABORTED: {
    class: 'CONFLICT',
    sentence: 'Somebody aborted the rollout.',
    remedy: 'Start a new rollout when it is wanted again.',
  },
  GATE_TOO_MANY_FAILURES: {
    class: 'RELEASE',
    sentence: 'More devices failed than the plan allows.',
    remedy:
      'Read the failures with `ringfleet rollout explain ID`, mend the release and publish a new version.',
  },
  GATE_FAILURE_RATIO: {
    class: 'RELEASE',
    sentence: 'A larger share of the devices failed than the plan allows.',
    remedy:
      'Read the failures with `ringfleet rollout explain ID`, mend the release and publish a new version.',
  },
} as const satisfies CatalogPart;
