import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { CodedError } from '@ringfleet/shared/errors';
import type { Capabilities } from '@ringfleet/shared/protocol';
import type { PassedOver } from '../core/provider-choice.ts';
import type { BackendChoice } from '../runner/backends/backend.ts';
import type { ProbeBody } from '../runner/messages.ts';
import type { ProbeAnswer } from '../runner/providers/probe.ts';
import { PROVIDERS, type Provider } from '../runner/providers/registry.ts';
import { readProbeCache, writeProbeCache } from './provider-probe-cache.ts';
import { launch, listen, type PlainChildOptions } from './runner-child.ts';
import { createRunnerLink } from './runner-link.ts';
import { digestOfLibrary, findRuntimeLibrary, type RuntimeLibrary } from './runtime-library.ts';

const PROBE_LIMIT_MS = 30_000;

export type ProviderReport = Capabilities['providers'][number];

/** What the providers of the registry do on this device. */
export interface ProbedProviders {
  readonly runtime: Capabilities['runtime'];
  readonly providers: readonly ProviderReport[];
}

export interface ProbeOptions extends Pick<PlainChildOptions, 'runDir' | 'log'> {
  readonly runtime: BackendChoice;
  /** Where results are kept between starts; absent: nothing is kept. */
  readonly cacheFile?: string;
  readonly limitMs?: number;
}

/**
 * Probes every provider, one after the other, each in a process of its own. Results are kept until the library changes,
 * so that a start costs nothing; a result that a driver could mend is asked for anew.
 */
export async function probeProviders(options: ProbeOptions): Promise<ProbedProviders> {
  const library = findRuntimeLibrary(options.runtime);
  const key = library.file === undefined ? undefined : await digestOfLibrary(library.file);
  const kept = key === undefined ? undefined : readProbeCache(options.cacheFile, key);
  let version = library.version ?? kept?.runtime.version;
  const providers: ProviderReport[] = [];
  for (const provider of PROVIDERS) {
    const before = kept?.providers.find((one) => one.name === provider.name && one.state === 'ok');
    if (before) {
      providers.push(before);
      continue;
    }
    const answer = await probe(provider, library, options);
    version ??= answer.version;
    const { state, reason } = answer;
    providers.push({ name: provider.name, state, ...(reason ? { reason: reason.slice(0, 500) } : {}) });
  }
  const probed: ProbedProviders = {
    runtime: { name: library.name.slice(-64), version: version ?? '0.0.0' },
    providers,
  };
  if (key !== undefined) {
    await writeProbeCache(options.cacheFile, key, probed).catch((err: unknown) =>
      // A full disk costs the next start a few probes, nothing more.
      options.log.warn({ err, component: 'providers' }, 'probe results cannot be kept'),
    );
  }
  return probed;
}

/** What must not be tried in a runner: its probe ended badly, and so might the runner. The CPU is always worth a try. */
export const unusableOf = (providers: readonly ProviderReport[]): PassedOver[] =>
  providers.flatMap(({ name, state, reason }) =>
    state === 'ok' || name === 'cpu'
      ? []
      : [{ name, why: [state, reason].filter(Boolean).join(': ').slice(0, 300) }],
  );

type Answer = Pick<ProviderReport, 'state' | 'reason'> & { readonly version?: string };

async function probe(provider: Provider, library: RuntimeLibrary, options: ProbeOptions): Promise<Answer> {
  const missing = missingFile(provider, library);
  if (missing !== undefined) return { state: 'notInstalled', reason: missing };
  return probeInChild(provider.name, options);
}

/** Seen without loading anything: most devices have none of these libraries. */
function missingFile(provider: Provider, { file, name }: RuntimeLibrary): string | undefined {
  if (file === undefined) return `${name || 'the library'} has no file for this machine`;
  if (provider.file === undefined || existsSync(join(dirname(file), provider.file))) return undefined;
  return `${provider.file} is not beside ${file}`;
}

/** One provider in a throw-away process: what it does to that process is part of the answer. */
export async function probeInChild(provider: string, options: ProbeOptions): Promise<Answer> {
  const { limitMs = PROBE_LIMIT_MS } = options;
  const child = launch(options.runDir);
  const lastWords = listen(child, { model: `probe-${provider}`, version: '0' }, options.log);
  let isOver = false;
  const link = createRunnerLink(child.stdio[3] as Duplex, {
    pid: child.pid,
    onOverrun: () => {
      isOver = true;
      link.close('the probe took too long');
      child.kill('SIGKILL');
    },
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (err) => resolve(err.message));
    child.once('exit', (status, signal) => resolve(signal ? `signal ${signal}` : `exit code ${status}`));
  });
  try {
    const body: ProbeBody = { provider, runtime: options.runtime };
    const answer = await link.call({ op: 'probe' }, Buffer.from(JSON.stringify(body)), limitMs);
    if (answer.reply.is !== 'probed') return { state: 'loadFailed', reason: 'the probe was refused' };
    return JSON.parse(answer.body.toString('utf8')) as ProbeAnswer;
  } catch (err) {
    if (!(err instanceof CodedError)) throw err;
    if (isOver) return { state: 'timedOut', reason: `no answer after ${limitMs} ms` };
    const words = lastWords().split('\n').at(-1) ?? '';
    return { state: 'crashed', reason: [await ended, words].filter(Boolean).join(': ').slice(0, 400) };
  } finally {
    link.close('done');
    child.kill('SIGKILL');
    await ended;
  }
}
