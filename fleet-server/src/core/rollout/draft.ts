import type { Rollout, RolloutRing } from '../domain.ts';
import { type NewEvent, type RolloutEventCode, rolloutEvent } from './events.ts';
import type { NewAssignment, Step } from './snapshot.ts';

/** A step while it is being decided. */
export class Draft {
  rollout: Rollout;
  readonly #assignments: NewAssignment[] = [];
  readonly #removals: { readonly ring: string; readonly model: string }[] = [];
  readonly #events: NewEvent[] = [];

  constructor(rollout: Rollout) {
    this.rollout = rollout;
  }

  get step(): Step {
    return {
      rollout: this.rollout,
      assignments: this.#assignments,
      removals: this.#removals,
      events: this.#events,
    };
  }

  ring(index: number): RolloutRing {
    const ring = this.rollout.rings[index];
    if (!ring) throw new RangeError(`no ring ${index}`);
    return ring;
  }

  setRing(index: number, change: Partial<RolloutRing>): void {
    const rings = this.rollout.rings.map((ring, i) => (i === index ? { ...ring, ...change } : ring));
    this.rollout = { ...this.rollout, rings };
  }

  set(change: Partial<Rollout>): void {
    this.rollout = { ...this.rollout, ...change };
  }

  assign(change: {
    readonly assignments: readonly NewAssignment[];
    readonly removals?: readonly { readonly ring: string; readonly model: string }[];
  }): void {
    this.#assignments.push(...change.assignments);
    this.#removals.push(...(change.removals ?? []));
  }

  say(code: RolloutEventCode, sentence: string, data?: Readonly<Record<string, unknown>>): void {
    this.#events.push(rolloutEvent(this.rollout, code, sentence, data));
  }

  pause(reasonCode: string, reason: string, data?: Readonly<Record<string, unknown>>): void {
    const { state, reasonCode: before } = this.rollout;
    if (state === 'paused' && before === reasonCode) return;
    this.set({ state: 'paused', reasonCode, reason });
    this.say('ROLLOUT_PAUSED', reason, { reasonCode, ...data });
  }
}
