import type { Look } from '../design/badge.tsx';
import { texts } from '../texts.ts';
import type { Rollout, RolloutRing } from '../views.ts';

const words = texts.rollouts;

export function rolloutLook(rollout: Rollout): Look {
  const text = words.states[rollout.state];
  switch (rollout.state) {
    case 'running':
      return { tone: 'moving', icon: 'moving', words: text };
    case 'paused':
      return { tone: 'warn', icon: 'pause', words: text };
    case 'halted':
      return { tone: 'bad', icon: 'stop', words: text };
    case 'completed':
      return { tone: 'ok', icon: 'check', words: text };
    case 'completedWithStragglers':
      return { tone: 'ok', icon: 'check', words: text };
    case 'aborted':
    case 'superseded':
      return { tone: 'quiet', icon: 'cross', words: text };
  }
}

export function ringLook(ring: RolloutRing): Look {
  const text = words.ringStates[ring.state];
  switch (ring.state) {
    case 'waiting':
      return { tone: 'quiet', icon: 'ring', words: text };
    case 'open':
      return { tone: 'moving', icon: 'moving', words: text };
    case 'passed':
      return { tone: 'ok', icon: 'check', words: text };
    case 'failed':
      return { tone: 'bad', icon: 'failed', words: text };
    case 'rolledBack':
      return { tone: 'bad', icon: 'back', words: text };
  }
}

export function verdictLook(gate: NonNullable<RolloutRing['gate']>, isOver: boolean): Look {
  switch (gate.verdict) {
    case 'PASS':
      return { tone: 'ok', icon: 'check', words: words.verdicts.PASS };
    case 'FAIL':
      return { tone: 'bad', icon: 'failed', words: words.verdicts.FAIL };
    case 'INCONCLUSIVE':
      return {
        tone: 'quiet',
        icon: 'clock',
        words: isOver ? words.undecidedForGood : words.verdicts.INCONCLUSIVE,
      };
  }
}

/** The heading of the reason, or null while all is as planned. */
export function reasonTitle(rollout: Rollout): string | null {
  switch (rollout.state) {
    case 'halted':
      return words.haltedTitle;
    case 'paused':
      return words.pausedTitle;
    case 'aborted':
    case 'superseded':
    case 'completedWithStragglers':
      return rollout.reason ? words.endedTitle : null;
    case 'running':
    case 'completed':
      return null;
  }
}

/** Not finished: it may still move by itself or by a person's word. */
export const isActive = ({ state }: Rollout): boolean => state === 'running' || state === 'paused';

/** The ring that made the rollout stop, if one did. */
export const stoppedRing = (rollout: Rollout): RolloutRing | null =>
  rollout.rings.find(({ state }) => state === 'failed' || state === 'rolledBack') ?? null;
