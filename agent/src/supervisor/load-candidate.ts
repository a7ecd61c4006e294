import { CodedError } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { backoffMs } from '../core/backoff.ts';
import type { Installed } from '../core/update-state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Runner } from '../ports/runtime.ts';
import type { RunnerKeeper } from './runner-keeper.ts';
import type { LoadHow } from './runner-loader.ts';

/** How often a machine that starts no runner at all is given time to recover. */
const MACHINE_TRIES = 5;
const RETRY = { baseMs: 5_000, maxMs: 60_000 };
/** What a process that never came up is reported as, whoever is at fault. */
const UNCLEAR: ReadonlySet<string> = new Set(['RUNNER_START_FAILED', 'MODEL_LOAD_FAILED']);

export interface LoadCandidateOptions {
  readonly keeper: RunnerKeeper;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Starts a candidate's runner. Where none comes up, the proven release decides whose fault that is: if its runner does not
 * start either, the machine is waited for a while and then named (MACHINE_STARTS_NO_RUNNER); if it does, and the candidate's
 * does not a second time, the release is (MODEL_LOAD_FAILED).
 */
export async function loadCandidate(
  candidate: Installed,
  proven: Installed | null,
  how: LoadHow,
  { keeper, clock, log }: LoadCandidateOptions,
  signal: AbortSignal,
): Promise<Runner> {
  let isMachineFine = false;
  for (let tries = 1; ; ) {
    try {
      return await keeper.load(candidate, signal, how);
    } catch (err) {
      if (signal.aborted || !proven || !(err instanceof CodedError) || !UNCLEAR.has(err.code)) throw err;
      if (await keeper.starts(proven, signal)) {
        // The machine may have recovered between the two.
        if (!isMachineFine) {
          isMachineFine = true;
          continue;
        }
        const what = `${err.message}; a runner of the proven ${proven.version} starts on this machine`;
        throw new CodedError('MODEL_LOAD_FAILED', what, { cause: err });
      }
      isMachineFine = false;
      const what = `no runner starts on this machine, not even of the proven ${proven.version}: ${err.message}`;
      if (signal.aborted || tries >= MACHINE_TRIES)
        throw new CodedError('MACHINE_STARTS_NO_RUNNER', what, { cause: err });
      log.warn({ component: 'update', release: candidate.version, err }, 'this machine starts no runner');
      await clock.sleep(backoffMs(tries - 1, clock.random(), RETRY), signal);
      tries += 1;
    }
  }
}
