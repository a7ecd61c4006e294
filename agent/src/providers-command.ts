import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Capabilities } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import { readBoard } from './adapters/board.ts';
import { type ProviderReport, probeProviders } from './adapters/provider-probe.ts';
import { type Advice, adviceFor, type Board } from './core/provider-advice.ts';
import type { BackendChoice } from './runner/backends/backend.ts';

export interface ProvidersReport {
  readonly board: Board;
  readonly backend: BackendChoice['backend'];
  readonly runtime: Capabilities['runtime'];
  readonly providers: readonly (ProviderReport & { readonly install?: Advice })[];
}

/** `ringfleet-agent providers`: probes everything anew; what was found earlier may be what a person came to mend. */
export async function providersReport(
  runtime: BackendChoice,
  log: Pick<Logger, 'debug' | 'warn'>,
): Promise<ProvidersReport> {
  const runDir = await mkdtemp(join(tmpdir(), 'ringfleet-providers-'));
  try {
    const board = readBoard();
    const probed = await probeProviders({ runtime, runDir, log });
    return {
      board,
      backend: runtime.backend,
      runtime: probed.runtime,
      providers: probed.providers.map((one) =>
        one.state === 'ok' ? one : { ...one, install: adviceFor(one.name, board) },
      ),
    };
  } finally {
    await rm(runDir, { recursive: true, force: true });
  }
}

export function providersText({ board, backend, runtime, providers }: ProvidersReport): string {
  const lines = [
    `${board.name} (${board.arch}); ${runtime.name} ${runtime.version} through ${backend}`,
    '',
    ...providers.flatMap(({ name, state, reason, install }) => [
      `${name.padEnd(10)} ${state}${reason ? `: ${reason.trim()}` : ''}`,
      ...(install?.line ? [`${' '.repeat(11)}to install: ${install.line}`] : []),
      ...(install ? [`${' '.repeat(11)}${install.line ? 'note' : 'no line known'}: ${install.note}`] : []),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}
