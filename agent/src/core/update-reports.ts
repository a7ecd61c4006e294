import type { EventReport, RunningDigest, StateReport } from '@ringfleet/shared/protocol';
import { type Failure, type Installed, isBusy, type UpdateState, type Waiting } from './update-state.ts';

/** A report before it has a number; the journal appends it in the same save as the state. */
export type Report =
  | { readonly stream: 'state'; readonly body: StateReport }
  | { readonly stream: 'event'; readonly body: EventReport };

export interface StateReportExtra {
  readonly failure?: Failure;
  readonly evidence?: NonNullable<StateReport['evidence']>;
  /** What the transition is about, where it is not what moves or is committed afterwards. */
  readonly release?: { readonly version: string; readonly digest: string; readonly attempt: number };
}

/** The report of one transition: what moved, what answers requests now, and why a candidate was given up. */
export function stateReport(from: UpdateState, to: UpdateState, extra: StateReportExtra): StateReport {
  const live = runningOf(to);
  const release = extra.release ?? (isBusy(to) ? to.job : (to.committed ?? undefined));
  const rollout = isBusy(to) ? to.job.rollout : isBusy(from) ? from.job.rollout : undefined;
  return {
    model: to.model,
    phase: to.phase,
    from: from.phase,
    generation: to.generation,
    attempt: release?.attempt ?? 0,
    ...(rollout ? { rollout } : {}),
    ...(release ? { release: { version: release.version, digest: release.digest } } : {}),
    ...(live ? { running: live } : {}),
    isCommitted: live !== undefined && live.digest === to.committed?.digest,
    ...(to.isUnexercised ? { isUnexercised: true } : {}),
    ...('waiting' in to && to.waiting ? { waiting: waitingOf(to.waiting) } : {}),
    ...(extra.failure ? { failure: extra.failure } : {}),
    ...(extra.evidence ? { evidence: extra.evidence } : {}),
    since: to.sinceMs,
  };
}

/** What answers requests in this state; undefined while nothing does. */
export function runningOf(state: UpdateState): RunningDigest | undefined {
  switch (state.phase) {
    case 'soaking':
      return plain(state.candidate);
    case 'rollingBack':
      return plain(state.previous);
    case 'removing':
      return undefined;
    default:
      return state.committed ? plain(state.committed) : undefined;
  }
}

function waitingOf({ code, reason, untilMs }: Waiting): NonNullable<StateReport['waiting']> {
  return { code, reason, ...(untilMs === undefined ? {} : { until: untilMs }) };
}

export function eventOfRollback(state: UpdateState, version: string, failure: Failure): Report {
  const message = `${state.model} ${version} was rolled back while ${failure.phase}: ${failure.reason}`;
  return {
    stream: 'event',
    body: {
      kind: 'rollback',
      severity: 'error',
      code: failure.code,
      message: message.slice(0, 1000),
      model: state.model,
      version,
    },
  };
}

const plain = ({ version, digest, variant }: Installed): RunningDigest => ({ version, digest, variant });
