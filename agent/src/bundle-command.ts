import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf, Id, type ResultsFile } from '@ringfleet/shared/protocol';
import { artifactPath, carriedFilesOf, MAX_METADATA_BYTES, peekBundle } from '@ringfleet/shared/trust';
import { Type } from 'typebox';
import { callControl } from './adapters/control-client.ts';
import { runFolderOf } from './adapters/run-folder.ts';
import { Stick } from './adapters/stick.ts';
import type { ImportReply, WantedArtifact } from './supervisor/bundle-import.ts';
import { askStatus } from './supervisor/control-server.ts';

/** Manifests, then files; one more for what rotted in between. */
const MAX_ROUNDS = 4;

export interface BundleCommandOptions {
  readonly dir: string;
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly showProgress?: ((line: string) => void) | undefined;
}

type Imported = Exclude<ImportReply, { kind: 'wants' }>;
export interface WrittenResults {
  readonly file: string;
  readonly reports: number;
  /** Reports that did not fit and wait for the next visit. */
  readonly waiting: number;
}

const checkStatus = checkerOf(Type.Object({ device: Id }), 'status');

/**
 * Hands a bundle to the running agent, which verifies it before it takes anything; the stick is read here, by whoever was
 * allowed to, and the agent never sees its path. Throws what the agent refuses with, and the codes of sticks.
 */
export async function importBundle(options: BundleCommandOptions): Promise<Imported> {
  const { dir, signal } = options;
  const socket = socketOf(options);
  const { device } = checkStatus(await askStatus(socket));
  const stick = await Stick.open(dir);
  const bundle = await stick.text('bundle.json', MAX_METADATA_BYTES);
  if (bundle === null) throw new CodedError('BUNDLE_MISSING', `${dir} has no bundle.json`, { at: dir });
  const files: Record<string, string> = {};
  for (const { path } of carriedFilesOf(peekBundle(bundle), device)) {
    const text = await stick.text(path, MAX_METADATA_BYTES);
    // What is missing is the agent's to say: first of all the list itself must be right.
    if (text !== null) files[path] = text;
  }
  const body = JSON.stringify({ bundle, files });
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const reply = (await callControl(socket, {
      method: 'POST',
      path: '/import',
      body,
      signal,
    })) as ImportReply;
    if (reply.kind !== 'wants') return reply;
    await copy(stick, socket, reply.artifacts, options);
  }
  throw new CodedError('AGENT_INTERNAL', 'the agent wants ever more files');
}

/** Has the agent sign what it has to tell, and writes it to `results/`. */
export async function exportReports(options: BundleCommandOptions): Promise<WrittenResults> {
  const stick = await Stick.open(options.dir);
  const call = { method: 'POST', path: '/results', body: '', signal: options.signal } as const;
  const file = (await callControl(socketOf(options), call)) as ResultsFile;
  const { reports, waiting } = JSON.parse(file.payload) as { reports: unknown[]; waiting: number };
  const path = `results/${file.device}.json`;
  await stick.write(path, `${JSON.stringify(file)}\n`);
  return { file: path, reports: reports.length, waiting };
}

async function copy(
  stick: Stick,
  socket: string,
  artifacts: readonly WantedArtifact[],
  { signal, showProgress }: BundleCommandOptions,
): Promise<void> {
  for (const [i, { sha256, length }] of artifacts.entries()) {
    showProgress?.(`file ${i + 1} of ${artifacts.length}, ${(length / 1_000_000).toFixed(1)} MB`);
    const body = stick.stream(artifactPath(sha256));
    await callControl(socket, { method: 'PUT', path: `/import/artifacts/${sha256}`, body, signal });
  }
}

const socketOf = ({ stateDir, env }: BundleCommandOptions): string =>
  join(runFolderOf(stateDir, env), 'control.sock');
