import { CodedError, errorText } from '@ringfleet/shared/errors';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { VERSION } from '../config-version.ts';
import type { CliContext, RegisterCommands } from './context.ts';
import { DryRunEnd, type GlobalFlags, liveContext } from './context-live.ts';
import { errorJson, exitCodeOf, type Streams } from './output.ts';

/** The `ringfleet` command around its verbs: global flags, errors, exit codes. Resolves to the exit code. */
export async function runProgram(
  families: readonly RegisterCommands[],
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  streams: Streams,
  interrupt: AbortSignal,
): Promise<number> {
  const cleanUps: (() => Promise<void>)[] = [];
  const program = newProgram(streams);
  const context = (): CliContext => {
    const flags = program.opts<GlobalFlags>();
    const signal = withDeadline(interrupt, flags.timeout, cleanUps);
    return liveContext(flags, env, streams, signal, (close) => cleanUps.push(close));
  };
  for (const register of families) register(program, context);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (err) {
    if (interrupt.aborted) return 130;
    return fail(err, args.includes('--json'), streams);
  } finally {
    for (const cleanUp of cleanUps) await cleanUp();
  }
}

const HELP_AFTER = `
Where and who: RINGFLEET_URL, RINGFLEET_TOKEN_FILE (or RINGFLEET_TOKEN), and for https RINGFLEET_CA_FILE, which is
DATA_DIR/keys/ca.cert.pem of the server; else ~/.config/ringfleet/cli.yaml. Key files: RINGFLEET_KEY_PASSPHRASE.
Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 refused by trust, 4 unreachable or deadline, 5 conflict,
130 interrupted.`;

function newProgram(streams: Streams): Command {
  return new Command('ringfleet')
    .description('Build, sign and publish releases; drive rings and rollouts.')
    .usage('[options] NOUN VERB [NAME]')
    .version(VERSION, '-V, --version')
    .option('--server <url>', 'fleet server, https://HOST:PORT (RINGFLEET_URL)')
    .option('--profile <name>', 'profile of ~/.config/ringfleet/cli.yaml')
    .option('--yes', 'do not ask before something that is hard to undo')
    .option('--dry-run', 'show what would be sent, change nothing')
    .option('--timeout <duration>', 'give up after this long, like 30s or 10m', durationMs)
    .option('--watch', 'follow until it is done')
    .option('--json', 'print JSON on stdout')
    .addHelpText('after', HELP_AFTER)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: streams.out, writeErr: streams.err, outputError: () => {} })
    .showHelpAfterError(false)
    .exitOverride();
}

function fail(err: unknown, asJson: boolean, streams: Streams): number {
  if (err instanceof DryRunEnd) return 0;
  if (err instanceof CommanderError) {
    if (err.exitCode === 0) return 0;
    if (err.code === 'commander.help') return 2;
    return fail(new CodedError('USAGE_INVALID', err.message.replace(/^error: /, '')), asJson, streams);
  }
  if (!(err instanceof CodedError)) {
    const stack = err instanceof Error ? (err.stack ?? err.message) : String(err);
    streams.err(`${stack}\n`);
    return fail(new CodedError('CLI_INTERNAL', undefined, { cause: err }), asJson, streams);
  }
  streams.err(asJson ? errorJson(err) : errorText(err));
  return exitCodeOf(err);
}

function withDeadline(
  interrupt: AbortSignal,
  timeoutMs: number | undefined,
  cleanUps: (() => Promise<void>)[],
): AbortSignal {
  if (timeoutMs === undefined) return interrupt;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new CodedError('CLI_TIMEOUT')), timeoutMs);
  cleanUps.push(async () => clearTimeout(timer));
  return AbortSignal.any([interrupt, deadline.signal]);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function durationMs(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (!match) throw new InvalidArgumentError('write it like 30s, 10m or 2h');
  return Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0);
}
