import { isAbsolute, resolve } from 'node:path';
import process from 'node:process';
import { CodedError } from '@ringfleet/shared/errors';
import { makeBackup } from './make-backup.ts';
import { restoreBackup } from './restore-backup.ts';

const SHOW_MS = 1_000;

export interface BackupCommand {
  readonly folder: string;
  readonly dataDir: string;
  readonly fleet: string;
  readonly version: string;
}

/** `ringfleet-server backup FOLDER`: says on stderr how far it is, on stdout what was made. Ctrl-C leaves nothing behind. */
export async function backUp({ folder, dataDir, fleet, version }: BackupCommand): Promise<void> {
  const to = absolute(folder);
  const options = { dataDir, to, fleet, version, nowMs: Date.now() };
  const signal = untilInterrupted();
  const { files } = await makeBackup({ ...options, signal, progress: shown() }).catch((err: unknown) => {
    throw asCoded(err, signal);
  });
  process.stdout.write(
    `${to}: ${files.length} files, ${megabytes(files)}.\nIt holds this server's keys and all passwords' hashes: keep it as safe as the server, and somewhere else.\n`,
  );
}

/** `ringfleet-server restore FOLDER [--replace]`. */
export async function restore(
  { folder, dataDir, fleet }: BackupCommand,
  isReplacing: boolean,
): Promise<void> {
  const options = { from: absolute(folder), dataDir, isReplacing, nowMs: Date.now() };
  const signal = untilInterrupted();
  const { list, before } = await restoreBackup({ ...options, signal, progress: shown() }).catch(
    (err: unknown) => {
      throw asCoded(err, signal);
    },
  );
  const other =
    list.fleet === fleet
      ? ''
      : `\nWARNING: it is of the fleet ${list.fleet}; the configuration says ${fleet}.`;
  const kept = before === null ? '' : `\nWhat was there before is in ${before}.`;
  process.stdout.write(`${dataDir} is as it was at ${new Date(list.takenAtMs).toISOString()}: ${list.files.length} files, ${megabytes(list.files)}, all verified.${kept}${other}
${WHAT_IS_LOST}`);
}

const WHAT_IS_LOST = `
What this server was told later is lost here:
- reports that devices were told to be stored. What they had not been told follows by itself.
- devices enrolled since: enroll them again. Renewed certificates are known again by themselves.
- revocations and decommissionings, people, tokens, rings and assignments since: do them again, revocations first.
- releases published since: \`ringfleet release publish\` them again. Signed metadata comes back from devices that have it,
  or with \`ringfleet trust publish\`.
Devices refuse nothing for long: they and this server agree on newer versions by themselves. They go to what the rings
say now, so look at those (\`ringfleet ring list\`) before you start the server where they matter.
`;

/** What a disk says: full, read-only, not there. */
function asCoded(cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new CodedError('CANCELLED', undefined, { cause });
  if (cause instanceof CodedError || !(cause instanceof Error) || !('code' in cause)) return cause;
  return new CodedError('BACKUP_FAILED', cause.message, { cause });
}

const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(path));

function megabytes(files: readonly { readonly sizeBytes: number }[]): string {
  return `${(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1e6).toFixed(1)} MB`;
}

/** Once a second at most, and at the end of each part. */
function shown(): (what: string, share: number) => void {
  let lastMs = performance.now();
  return (what, share) => {
    if (share < 1 && performance.now() - lastMs < SHOW_MS) return;
    lastMs = performance.now();
    process.stderr.write(`${what}: ${Math.round(share * 100)} %\n`);
  };
}

function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}
