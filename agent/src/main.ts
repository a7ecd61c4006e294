#!/usr/bin/env node
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { readCapabilities } from './adapters/device-facts.ts';
import { enroll } from './adapters/enroll.ts';
import { probeProviders } from './adapters/provider-probe.ts';
import { runFolderOf } from './adapters/run-folder.ts';
import { scoreCommand } from './batch/score-command.ts';
import { type Cli, exitCodeOf, explain, HELP, parseCli } from './cli.ts';
import { readConfig } from './config.ts';
import { providersReport, providersText } from './providers-command.ts';
import { resetDevice } from './reset-device.ts';
import { runAgent } from './run-agent.ts';
import { serveCommand } from './serving/serve-command.ts';
import { statusText } from './status-text.ts';
import { askStatus } from './supervisor/control-server.ts';
import { AGENT_VERSION } from './version.ts';

const STOP_LIMIT_MS = 4_500;

process.env['ORT_DISABLE_TELEMETRY'] = '1';
try {
  await main(parseCli(process.argv.slice(2), process.env));
} catch (err) {
  process.stderr.write(explain(err));
  process.exitCode = exitCodeOf(err);
}

async function main(cli: Cli): Promise<void> {
  switch (cli.verb) {
    case 'help':
      process.stdout.write(HELP);
      return;
    case 'version':
      process.stdout.write(`${AGENT_VERSION}\n`);
      return;
    case 'run':
      return run(cli);
    case 'serve':
      process.exitCode = await serveCommand(cli.args, standalone());
      return;
    case 'score':
      process.exitCode = await scoreCommand(cli.args, {
        ...standalone(),
        env: process.env,
        ...(process.stderr.isTTY
          ? { showProgress: (line) => process.stderr.write(`\r${line}\u001b[K`) }
          : {}),
      });
      if (process.stderr.isTTY) process.stderr.write('\n');
      return;
    case 'enroll': {
      await mkdir(cli.stateDir, { recursive: true, mode: 0o700 });
      const { runtime } = readConfig(undefined, process.env);
      const probed = await probeProviders({
        runtime,
        runDir: join(cli.stateDir, 'probe'),
        log: makeLog('warn', 2),
        cacheFile: join(cli.stateDir, 'providers.json'),
      });
      const capabilities = await readCapabilities(cli.stateDir, AGENT_VERSION, probed);
      const done = await enroll({
        ...cli,
        capabilities,
        onPending: ({ device, code }) =>
          process.stderr.write(
            `Waiting for approval. This device shows the code ${code}.\nAn operator runs: ringfleet device approve ${device} --code ${code}\n`,
          ),
      });
      process.stdout.write(
        cli.isJson ? `${JSON.stringify(done)}\n` : `This device is ${done.device} of fleet ${done.fleet}.\n`,
      );
      return;
    }
    case 'providers': {
      const { runtime } = readConfig(cli.config, process.env);
      const report = await providersReport(runtime, makeLog('error', 2));
      process.stdout.write(cli.isJson ? `${JSON.stringify(report)}\n` : providersText(report));
      return;
    }
    case 'reset':
      await resetDevice(cli.stateDir, process.env);
      process.stdout.write(`${cli.stateDir} is empty: this device belongs to no fleet any more.\n`);
      return;
    case 'status': {
      const status = await askStatus(join(runFolderOf(cli.stateDir, process.env), 'control.sock'));
      process.stdout.write(cli.isJson ? `${JSON.stringify(status)}\n` : statusText(status));
      return;
    }
    default:
      cli satisfies never;
  }
}

async function run(cli: Extract<Cli, { verb: 'run' }>): Promise<void> {
  const config = readConfig(cli.config, process.env);
  const log = makeLog(config.log.level, 1);
  const ended = untilEnded();
  const agent = await runAgent({ stateDir: cli.stateDir, config, env: process.env, log });
  log.info({ device: agent.device, http: agent.http, socket: agent.socket }, 'agent ready');
  if (!ended.aborted) {
    await new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve(), { once: true }));
  }
  // Whatever hangs: the service manager must not have to kill us.
  setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
  await agent.stop();
  log.info('agent stopped');
}

/** What a verb that needs no fleet works with. */
function standalone() {
  return {
    signal: untilEnded(),
    version: AGENT_VERSION,
    log: makeLog('warn', 2),
    print: (line: string) => process.stdout.write(`${line}\n`),
    complain: (line: string) => process.stderr.write(`${line}\n`),
  };
}

function untilEnded(): AbortSignal {
  const ended = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ended.abort());
  return ended.signal;
}

/** JSON lines; the service logs to stdout (1), everything else to stderr (2). */
function makeLog(level: string, descriptor: 1 | 2): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: descriptor, sync: true }),
  );
}
