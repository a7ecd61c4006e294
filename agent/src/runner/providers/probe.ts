import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { numbersOf, tensorOf } from '@ringfleet/shared/v2';
import { ONE_THREAD } from '../../core/run-profile.ts';
import type { Backend, BackendChoice } from '../backends/backend.ts';
import { openBackend } from '../backends/open-backend.ts';
import { PROBE_INPUT, PROBE_MODEL_BASE64, PROBE_OUTPUT } from './probe-model.ts';
import { providerNamed } from './registry.ts';

/** What a probe's own process can say of itself; crashes and time limits are seen from outside. */
export interface ProbeAnswer {
  readonly state: 'ok' | 'notInstalled' | 'loadFailed' | 'wrongResult';
  readonly reason?: string;
  /** Version of the library; absent when it did not load. */
  readonly version?: string;
}

/** Whole numbers in any reduced precision still come out this near. */
const TOLERANCE = 0.05;

/** Loads the library, runs the tiny model with no node left to the CPU, and compares the numbers. Never throws. */
export async function probeProvider(provider: string, choice: BackendChoice): Promise<ProbeAnswer> {
  let backend: Backend;
  try {
    backend = await openBackend(choice);
  } catch (err) {
    return { state: 'loadFailed', reason: reasonOf(err) };
  }
  const { version } = backend;
  if (!providerNamed(provider)) return { state: 'notInstalled', reason: 'unknown to this agent', version };
  if (!backend.compiledIn().includes(provider)) {
    return { state: 'notInstalled', reason: `not built into this ${backend.name} ${version}`, version };
  }
  try {
    return { ...(await runTinyModel(backend, provider)), version };
  } catch (err) {
    return { state: 'loadFailed', reason: reasonOf(err), version };
  }
}

async function runTinyModel(backend: Backend, provider: string): Promise<ProbeAnswer> {
  const folder = await mkdtemp(join(tmpdir(), 'ringfleet-probe-'));
  try {
    const path = join(folder, 'probe.onnx');
    await writeFile(path, Buffer.from(PROBE_MODEL_BASE64, 'base64'));
    const session = await backend.open(path, {
      provider,
      isStrict: true,
      settings: ONE_THREAD,
    });
    const input = tensorOf('x', 'FP32', [1, PROBE_INPUT.length], [...PROBE_INPUT]);
    const [output] = await session.run([input], ['y']);
    await session.close();
    const got = output ? Array.from(numbersOf(output), Number) : [];
    const isRight =
      got.length === PROBE_OUTPUT.length &&
      got.every((value, i) => Math.abs(value - (PROBE_OUTPUT[i] ?? Number.NaN)) <= TOLERANCE);
    if (isRight) return { state: 'ok' };
    return { state: 'wrongResult', reason: `${got.join(', ')} instead of ${PROBE_OUTPUT.join(', ')}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reasonOf(err: unknown): string {
  const text = err instanceof CodedError || err instanceof Error ? err.message : String(err);
  return text.replace(/\s+/g, ' ').slice(0, 400);
}
