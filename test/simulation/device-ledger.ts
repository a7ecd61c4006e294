import type { UpdateState } from '../../agent/src/core/update-state.ts';

/**
 * What an onlooker writes down about one device, outside of it: crashes, lost saves and restored servers do not touch
 * it. Invariants compare with this, never with what the device remembers itself.
 */
export class DeviceLedger {
  /** The highest floor that was ever committed, by model. */
  readonly floors = new Map<string, number>();
  /** Releases that answered live requests here, by model and digest → rollout that brought it. */
  readonly exposed = new Map<string, string | null>();
  /** Releases that were committed here. */
  readonly committed = new Set<string>();
  /** Requests answered, by model and digest: no server may ever count more. */
  readonly answers = new Map<string, number>();
  readonly #barred = new Map<string, number>();

  barred(model: string, digest: string): number {
    return this.#barred.get(`${model} ${digest}`) ?? -1;
  }

  /** After each transition that a device made, whether it saved it or not. */
  note(before: UpdateState, state: UpdateState): void {
    const { model } = state;
    for (const { digest, attempt } of state.failed) {
      this.#barred.set(`${model} ${digest}`, Math.max(this.barred(model, digest), attempt));
    }
    if (state.phase === 'soaking') {
      this.exposed.set(`${model} ${state.candidate.digest}`, state.job.rollout ?? null);
    }
    if (
      before.phase === 'soaking' &&
      state.phase === 'idle' &&
      state.committed.digest === before.candidate.digest
    ) {
      this.committed.add(`${model} ${state.committed.digest}`);
      this.floors.set(model, Math.max(this.floors.get(model) ?? 0, before.job.minReleaseCounter));
    }
  }

  answered(model: string, digest: string, count: number): void {
    const key = `${model} ${digest}`;
    this.answers.set(key, (this.answers.get(key) ?? 0) + count);
  }
}
