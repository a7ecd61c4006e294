import pino, { type Logger } from 'pino';
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

function makeLog(level: string, to: 'out' | 'err' = 'err'): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: to === 'out' ? 1 : 2, sync: true }),
  );
}
