import pino, { type Logger } from 'pino';
import { journaldStream } from './adapters/journald-stream.ts';
import { openUnixDatagrams } from './adapters/unix-datagram.ts';
import { exitCodeOf, explain, runCli } from './cli.ts';
import type { VerbContext } from './verbs/verb.ts';
import { AGENT_VERSION } from './version.ts';

process.env['ORT_DISABLE_TELEMETRY'] = '1';
try {
  process.exitCode = await runCli(process.argv.slice(2), contextOf(process));
} catch (err) {
  process.stderr.write(explain(err));
  process.exitCode = exitCodeOf(err);
}

function contextOf({ env, stdout, stderr }: NodeJS.Process): VerbContext {
  return {
    env,
    version: AGENT_VERSION,
    print: (text) => stdout.write(text),
    complain: (text) => stderr.write(text),
    ...(stderr.isTTY ? { showProgress: (line: string) => stderr.write(`\r${line}\u001b[K`) } : {}),
    untilEnded,
    makeLog,
  };
}

function untilEnded(): AbortSignal {
  const ended = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ended.abort());
  return ended.signal;
}

/** JSON lines; under systemd the service's become entries of the journal. */
function makeLog(level: string, to: 'out' | 'err' = 'err'): Logger {
  const send = to === 'out' && process.env['JOURNAL_STREAM'] ? openUnixDatagrams() : null;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    send
      ? journaldStream(send, (line) => process.stdout.write(line))
      : pino.destination({ dest: to === 'out' ? 1 : 2, sync: true }),
  );
}
