import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import type { Manifest } from '@ringfleet/shared/release';
import type { CheckResult, InferReply, Runner, RunnerCounts, RunnerExit } from '../ports/runtime.ts';

const fine: CheckResult = { ok: true, count: 1, sentence: 'all right', medianUs: 10 };

/** What a release does when it is loaded; by version. */
export interface Behaviour {
  /** The code that its start ends with, or `true` for MODEL_LOAD_FAILED. */
  readonly cannotLoad?: boolean | ErrorCode;
  /** It never comes up, and its process does not end. */
  readonly neverStarts?: boolean;
  readonly provider?: Runner['provider'];
  readonly shadow?: () => ReturnType<Runner['shadow']>;
  /** The conformance samples never come to an end. */
  readonly hangs?: boolean;
  readonly conformance?: CheckResult;
  readonly acceptance?: CheckResult;
  /** What it says of itself instead of what it counted. */
  readonly counts?: Partial<RunnerCounts>;
  /** Its answer to every request. */
  readonly infer?: InferReply;
  /** Outcome on the samples of another release. */
  readonly acceptanceOfOthers?: CheckResult;
}

/** A runner without a process, killed by tests. */
export class LabRunner implements Runner {
  readonly pid = 1;
  readonly loadMs = 1;
  readonly provider: Runner['provider'];
  readonly exited: Promise<RunnerExit>;
  readonly spec: Runner['spec'];
  readonly #behaviour: Behaviour;
  #exit: (exit: RunnerExit) => void = () => undefined;
  #answers = 0;
  isAlive = true;

  constructor(spec: Runner['spec'], behaviour: Behaviour) {
    this.spec = spec;
    this.#behaviour = behaviour;
    this.provider = behaviour.provider ?? { asked: ['cpu'], active: 'cpu', reason: 'first choice' };
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }
  infer(): ReturnType<Runner['infer']> {
    if (!this.isAlive) return Promise.reject(new CodedError('RUNNER_GONE', 'gone', { at: 'queued' }));
    if (this.#behaviour.infer) return Promise.resolve(this.#behaviour.infer);
    this.#answers += 1;
    return Promise.resolve({ ok: true, body: Buffer.from(this.spec.version), computeUs: 5 });
  }
  shadow(): ReturnType<Runner['shadow']> {
    return (
      this.#behaviour.shadow?.() ?? Promise.resolve({ ok: true, agrees: true, distance: 0, computeUs: 5 })
    );
  }
  checkConformance(): Promise<CheckResult> {
    if (this.#behaviour.hangs) return new Promise(() => undefined);
    return Promise.resolve(this.#behaviour.conformance ?? fine);
  }
  checkAcceptance(_dir: string, manifest: Manifest): Promise<CheckResult> {
    const isOwn = manifest.version === this.spec.version;
    return Promise.resolve((isOwn ? this.#behaviour.acceptance : this.#behaviour.acceptanceOfOthers) ?? fine);
  }
  counts(): Promise<RunnerCounts> {
    if (!this.isAlive) return Promise.reject(new CodedError('RUNNER_GONE'));
    return Promise.resolve({
      answers: this.#answers,
      failures: 0,
      rejected: 0,
      nonFiniteOutputs: 0,
      latencyUs: [this.#answers, ...Array<number>(14).fill(0)],
      features: [],
      rssBytes: 1,
      ...this.#behaviour.counts,
    });
  }
  die(code = 'RUNNER_CRASHED', reason: RunnerExit['reason'] = 'crashed'): void {
    this.isAlive = false;
    this.#exit({ reason, code, message: `${this.spec.version} died` });
  }
  stop(): Promise<void> {
    this.die('RUNNER_STOPPED', 'stopped');
    return Promise.resolve();
  }
}
