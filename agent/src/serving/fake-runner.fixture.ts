import { CodedError } from '@ringfleet/shared/errors';
import type { Manifest } from '@ringfleet/shared/release';
import { encodeInferResponse, tensorOf, type WireBody } from '@ringfleet/shared/v2';
import type { InferCall, InferReply, Runner, RunnerExit } from '../ports/runtime.ts';

type Behaviour = () => InferReply | Promise<InferReply>;

/** A runner without a process: keeps the port's promises, and does to the next requests what a test says. */
export interface FakeRunner extends Runner {
  readonly asked: number;
  /** What the next requests meet; after them it answers again. */
  next(...behaviours: Behaviour[]): void;
  /** Rejects everything pending: the first as executing, the rest as queued. */
  die(reason?: RunnerExit['reason']): void;
}

export function fakeRunner(version: string): FakeRunner {
  const { promise: exited, resolve: exit } = Promise.withResolvers<RunnerExit>();
  const pending = new Set<(err: CodedError) => void>();
  const plans: Behaviour[] = [];
  let isDead = false;
  let asked = 0;
  // As the runner does: binary where the request asked for it.
  const answer = ({ headerBytes }: InferCall): InferReply => ({
    ok: true,
    computeUs: 10,
    queueUs: 5,
    runnerUs: 30,
    inputUs: 4,
    outputUs: 8,
    ...bodyOf(version, headerBytes !== undefined),
  });

  const die = (reason: RunnerExit['reason'] = 'crashed'): void => {
    isDead = true;
    let at = 'executing';
    for (const reject of pending) {
      reject(new CodedError('RUNNER_GONE', 'died', { at }));
      at = 'queued';
    }
    pending.clear();
    exit({ reason, code: 'RUNNER_CRASHED', message: 'died' });
  };

  return {
    get asked() {
      return asked;
    },
    next: (...behaviours) => void plans.push(...behaviours),
    die,
    spec: {
      model: 'tiny',
      version,
      digest: `sha256:${version}`,
      variant: 'int8-cpu',
      slotDir: '/nowhere',
      manifest: MANIFEST,
    },
    pid: 1,
    provider: { asked: ['cpu'], active: 'cpu', reason: 'first choice' },
    loadMs: 1,
    shadow: () => Promise.resolve({ ok: true, agrees: true, distance: 0, computeUs: 1 }),
    infer: (call, signal) => {
      asked += 1;
      if (isDead) return Promise.reject(new CodedError('RUNNER_GONE', 'died', { at: 'queued' }));
      return new Promise((resolve, reject) => {
        pending.add(reject);
        signal?.addEventListener('abort', () => reject(new CodedError('ABORTED')));
        const work = plans.shift() ?? (() => answer(call));
        Promise.resolve()
          .then(work)
          .then(resolve, reject)
          .finally(() => pending.delete(reject));
      });
    },
    checkConformance: () => Promise.resolve({ ok: true, count: 1, sentence: 'fine', medianUs: 10 }),
    checkAcceptance: () => Promise.resolve({ ok: true, count: 1, sentence: 'fine', medianUs: 10 }),
    counts: () => Promise.reject(new CodedError('RUNNER_GONE')),
    exited,
    stop: () => {
      die('stopped');
      return Promise.resolve();
    },
  };
}

/** A request that never ends by itself. */
export const stuck = (): Promise<InferReply> => new Promise(() => undefined);

export const failing = (fault: 'client' | 'release', code: string) => (): InferReply => ({
  ok: false,
  fault,
  code,
  message: 'told to',
});

function bodyOf(modelVersion: string, isBinary: boolean): WireBody {
  const outputs = [tensorOf('y', 'FP32', [1], [1])];
  return encodeInferResponse({ modelName: 'tiny', modelVersion, outputs }, () => isBinary);
}

const MANIFEST: Manifest = {
  schema: 'ringfleet/manifest/1',
  model: 'tiny',
  version: '1.0.0',
  createdAt: '2026-01-01T00:00:00.000Z',
  description: '',
  license: '',
  files: [],
  variants: [],
  inputs: [
    {
      name: 'x',
      datatype: 'FP32',
      axes: [
        { min: 1, max: 8 },
        { min: 4, max: 4 },
      ],
    },
  ],
  outputs: [{ name: 'y', datatype: 'FP32', axes: [{ min: 1, max: 1 }] }],
  pre: [],
  post: [],
  features: [],
  conformance: { path: 'conformance', count: 1, tolerances: { absolute: 0, relative: 0 } },
  limits: { memoryBytes: 1, loadMs: 1, inferMs: 1 },
  lineage: {},
};
