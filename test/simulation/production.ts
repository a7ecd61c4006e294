import { crossCheck, verifyAssignment } from '@ringfleet/shared/trust';
import { planOf } from '../../agent/src/core/assignment-plan.ts';
import { effectsOf, keptOf } from '../../agent/src/core/update-effects.ts';
import { next } from '../../agent/src/core/update-machine.ts';
import { nextAttempt } from '../../fleet-server/src/core/rollout/assign-ring.ts';
import { obey } from '../../fleet-server/src/core/rollout/orders.ts';
import { tick } from '../../fleet-server/src/core/rollout/tick.ts';
import type { Stores } from '../../fleet-server/src/ports/stores.ts';
import type { SimJournal } from './sim-journal.ts';

/** What the simulation drives, as it ships. A breakage is this with one of the parts wrapped. */
export interface Production {
  readonly next: typeof next;
  readonly effectsOf: typeof effectsOf;
  readonly keptOf: typeof keptOf;
  readonly planOf: typeof planOf;
  readonly verifyAssignment: typeof verifyAssignment;
  readonly crossCheck: typeof crossCheck;
  readonly save: (journal: SimJournal, change: Parameters<SimJournal['save']>[0]) => void;
  readonly tick: typeof tick;
  readonly obey: typeof obey;
  readonly nextAttempt: typeof nextAttempt;
  /** The server's stores, on the databases of this start. */
  readonly stores: (stores: Stores) => Stores;
}

export const PRODUCTION: Production = {
  next,
  effectsOf,
  keptOf,
  planOf,
  verifyAssignment,
  crossCheck,
  save: (journal, change) => journal.save(change),
  tick,
  obey,
  nextAttempt,
  stores: (stores) => stores,
};
