import type { StateReport } from '@ringfleet/shared/protocol';
import type { Report } from './update-reports.ts';
import type { Baseline, Job, UpdateState, Waiting } from './update-state.ts';

export type Evidence = NonNullable<StateReport['evidence']>;

/**
 * How the last start ended. `crash`: the agent died while the machine went on. `powerCut`: the machine went down without
 * an orderly stop, by its power, a panic or a watchdog; these cannot be told apart afterwards.
 */
export type LastEnd = 'clean' | 'crash' | 'powerCut';

/** Results carry the key of the try they belong to (`keyOf`). */
export type UpdateEvent = { readonly nowMs: number } & (
  | { readonly type: 'assigned'; readonly job: Job }
  | { readonly type: 'unassigned'; readonly generation: number }
  | { readonly type: 'accepted'; readonly key: string; readonly variant: string }
  | { readonly type: 'downloaded' | 'verified' | 'preflightPassed' | 'shadowStarted'; readonly key: string }
  | { readonly type: 'windowOpened'; readonly key: string; readonly evidence?: Evidence }
  | { readonly type: 'waits'; readonly key: string; readonly waiting: Waiting }
  | { readonly type: 'activated'; readonly key: string; readonly baseline: Baseline | null }
  | {
      readonly type: 'soakPassed';
      readonly key: string;
      readonly isUnexercised: boolean;
      readonly evidence: Evidence;
    }
  | {
      readonly type: 'failed';
      readonly key: string;
      readonly code: string;
      readonly reason: string;
      readonly evidence?: Evidence;
    }
  | { readonly type: 'regressed'; readonly digest: string; readonly code: string; readonly reason: string }
  | { readonly type: 'rollBackFailed'; readonly code: string; readonly reason: string }
  | { readonly type: 'rolledBack' | 'removed' }
  | { readonly type: 'booted'; readonly lastEnd: LastEnd }
);

/** What one event did. Everything in it is saved in one durable transaction before anything else happens. */
export interface Step {
  readonly state: UpdateState;
  readonly reports: readonly Report[];
  /** Set at commit: the least release counter that this device installs from now on. */
  readonly floor?: number;
}
