import { CodedError } from '@ringfleet/shared/errors';
import { describe, expect, it } from 'vitest';
import { ONE_THREAD } from '../../core/run-profile.ts';
import type { Backend, OpenOptions } from '../backends/backend.ts';
import { countNodes } from '../backends/node-counts.ts';
import { type OpenRequest, openOnProvider } from './open-on-provider.ts';

type Nodes = Readonly<Record<string, number>>;

/** A library on which a model's nodes land as told; `strict` is what it says when the CPU may take none of them. */
function libraryThat(places: Readonly<Record<string, Nodes | Error>>, opened: OpenOptions[] = []): Backend {
  return {
    name: 'ort-node',
    version: '1.30.0',
    canTerminate: false,
    compiledIn: () => ['cpu', ...Object.keys(places)],
    open: (_path, options) => {
      opened.push(options);
      const placed = options.provider === 'cpu' ? { cpu: 1 } : places[options.provider];
      if (placed instanceof Error) return Promise.reject(placed);
      if (options.isStrict && options.provider !== 'cpu' && placed?.['cpu'] !== undefined)
        return Promise.reject(new CodedError('MODEL_LOAD_FAILED', 'nodes are left to the CPU'));
      return Promise.resolve({
        inputs: [],
        outputs: [],
        run: () => Promise.resolve([]),
        terminate: () => undefined,
        nodeCounts: () => Promise.resolve(options.isProfiled ? placed : undefined),
        close: () => Promise.resolve(),
      });
    },
  };
}

const request = (backend: Backend, candidates: string[], mayMix = true): OpenRequest => ({
  backend,
  path: 'model.onnx',
  asked: candidates,
  plan: { candidates, mayMix },
  unusable: [],
  settings: ONE_THREAD,
  onStage: () => undefined,
  providerOptions: () => ({}),
  warmUp: () => Promise.resolve(),
});
const outcome = async (asked: OpenRequest) => (await openOnProvider(asked)).outcome;

describe('opening a model on a provider', () => {
  it('takes the first one that runs every node', async () => {
    const backend = libraryThat({ cuda: { cuda: 7 } });
    expect(await outcome(request(backend, ['cuda', 'cpu']))).toEqual({
      asked: ['cuda', 'cpu'],
      active: 'cuda',
      reason: 'first choice',
      nodes: { cuda: 7 },
    });
  });

  it('lets the CPU help where that is allowed, and counts for how many nodes', async () => {
    const backend = libraryThat({ cuda: { cuda: 5, cpu: 2 } });
    expect(await outcome(request(backend, ['cuda']))).toMatchObject({
      active: 'cuda',
      reason: '2 nodes run on cpu',
    });
    await expect(outcome(request(backend, ['cuda'], false))).rejects.toMatchObject({
      code: 'PROVIDER_NOT_AVAILABLE',
      message: expect.stringContaining('nodes are left to the CPU'),
    });
  });

  it('says when a provider begins to compile and when it is done, first run included, whatever comes of it', async () => {
    const stages: string[] = [];
    const asked = {
      ...request(libraryThat({ tensorrt: new CodedError('MODEL_LOAD_FAILED') }), ['tensorrt', 'cpu']),
      onStage: (stage: string, provider: string) => void stages.push(`${stage} ${provider}`),
      warmUp: () => Promise.resolve(void stages.push('run')),
    };
    expect((await outcome(asked)).active).toBe('cpu');
    const compiled = { ...asked, backend: libraryThat({ tensorrt: { tensorrt: 3 } }) };
    expect((await outcome(compiled)).active).toBe('tensorrt');
    const failed = ['compiling tensorrt', 'loading tensorrt', 'run'];
    expect(stages).toEqual([...failed, 'compiling tensorrt', 'run', 'loading tensorrt']);
  });

  it('is not taken in by a library that runs nothing on what was asked for', async () => {
    const backend = libraryThat({ openvino: { cpu: 9 } });
    expect(await outcome(request(backend, ['openvino', 'cpu']))).toMatchObject({
      active: 'cpu',
      reason: 'openvino: it runs no node of this model',
    });
    await expect(outcome(request(backend, ['openvino']))).rejects.toMatchObject({
      code: 'PROVIDER_NOT_AVAILABLE',
    });
  });

  it('never opens what is not compiled in, unknown, or known to end processes', async () => {
    const opened: OpenOptions[] = [];
    const backend = libraryThat({ cuda: { cuda: 1 } }, opened);
    const asked = {
      ...request(backend, ['tensorrt', 'made-up', 'cuda', 'cpu']),
      unusable: [{ name: 'cuda', why: 'crashed' }],
    };
    expect((await outcome(asked)).reason).toBe(
      'tensorrt: not in this ort-node 1.30.0; made-up: unknown to this agent; cuda: crashed',
    );
    expect(opened.map((one) => one.provider)).toEqual(['cpu']);
  });

  it("blames the model, not the provider, for what is the model's", async () => {
    const backend = libraryThat({ cuda: new CodedError('MODEL_SIGNATURE_MISMATCH') });
    await expect(outcome(request(backend, ['cuda', 'cpu'], false))).rejects.toMatchObject({
      code: 'MODEL_SIGNATURE_MISMATCH',
    });
  });
});

describe('node counts of a profile', () => {
  it('count a node once however often it ran, under the names of the registry', () => {
    const event = (name: string, provider: string) => ({ cat: 'Node', name, args: { provider } });
    const events = [
      event('a_kernel_time', 'CUDAExecutionProvider'),
      event('a_kernel_time', 'CUDAExecutionProvider'),
      event('b_kernel_time', 'CPUExecutionProvider'),
      { cat: 'Session', name: 'model_run' },
    ];
    expect(countNodes(JSON.stringify(events))).toEqual({ cuda: 1, cpu: 1 });
  });

  it('are unknown when the profile is cut short or holds no node', () => {
    expect(countNodes('[{"cat":')).toBeUndefined();
    expect(countNodes('[]')).toBeUndefined();
    expect(countNodes('{}')).toBeUndefined();
  });
});
