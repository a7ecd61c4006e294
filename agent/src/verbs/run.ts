import type { Logger } from 'pino';
import { createSystemdWatchdog, notifySocketOf } from '../adapters/notify-systemd.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { openUnixDatagrams } from '../adapters/unix-datagram.ts';
import { untilWritable } from '../adapters/writable-folder.ts';
import { awaitEnrollment } from '../await-enrollment.ts';
import { type AgentConfig, readConfig } from '../config.ts';
import { changesOf } from '../config-reload.ts';
import { type RunningAgent, runAgent } from '../run-agent.ts';
import { keepWatchdog } from '../supervisor/watchdog-keeper.ts';
import { finishWipe, isWiping } from '../wipe-device.ts';
import { readOptions, stateDirOf } from './arguments.ts';
import type { Verb } from './verb.ts';

const STOP_LIMIT_MS = 4_500;

export const RUN: Verb = {
  name: 'run',
  help: [['run [--config FILE] [--check]', 'the service; --check only looks at the configuration']],
  async run(args, { env, version, print, makeLog, untilEnded }) {
    const options = readOptions(args, {
      'state-dir': { type: 'string' },
      config: { type: 'string' },
      check: { type: 'boolean' },
    });
    const config = readConfig(options.config, env);
    if (options.check) {
      print('The configuration is valid.\n');
      return 0;
    }
    const log = makeLog(config.log.level, 'out');
    const ended = untilEnded();
    const stateDir = stateDirOf(options['state-dir'], env);
    // A wipe that was interrupted comes first: nothing of what is left may be used.
    if (await isWiping(stateDir)) return wiped(stateDir, log);
    const over = new AbortController();
    const isOver = AbortSignal.any([ended, over.signal]);
    const isService = notifySocketOf(env) !== undefined;
    const watchdog = createSystemdWatchdog(env, process.pid, isService ? openUnixDatagrams() : null);
    let agent: RunningAgent | undefined;
    let status = 'starting';
    reloadOnHangUp(
      () => readConfig(options.config, env),
      config,
      () => agent,
      log,
    );
    const guarding = keepWatchdog(
      {
        watchdog,
        clock: systemClock,
        log,
        neglected: () => agent?.neglected() ?? null,
        status: () => agent?.statusLine() ?? status,
      },
      isOver,
    );
    if (isService) {
      const say = (line: string): void => {
        status = line;
        watchdog.say(line);
        watchdog.ready();
      };
      await awaitEnrollment(
        {
          stateDir,
          env,
          version,
          log,
          clock: systemClock,
          say,
          ...(options.config === undefined ? {} : { config: options.config }),
        },
        ended,
      );
    }
    while (!isOver.aborted) {
      agent = await runAgent({ stateDir, config, env, log }).catch((err: unknown) => {
        // Nobody is left to watch over: the process ends, and its service manager starts the next one.
        over.abort();
        throw err;
      });
      watchdog.ready();
      watchdog.say(agent.statusLine());
      log.info({ device: agent.device, http: agent.http, socket: agent.socket }, 'agent ready');
      void agent.wiped.then(() => over.abort());
      if (!agent.isVolatile) await untilAborted(isOver);
      else if (await untilWritable(stateDir, systemClock, isOver)) {
        log.warn({ code: 'STATE_NOT_WRITABLE' }, 'the disk takes writes again, starting anew');
        await agent.stop();
      }
    }
    over.abort();
    watchdog.stopping();
    // Whatever hangs: the service manager must not have to kill us.
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    await Promise.all([guarding, agent?.stop()]);
    log.info('agent stopped');
    return (await isWiping(stateDir)) ? wiped(stateDir, log) : 0;
  },
};

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function wiped(stateDir: string, log: Logger): Promise<number> {
  await finishWipe(stateDir);
  log.warn({ stateDir }, 'device wiped');
  return 0;
}

/** What can change while the agent runs does; the rest is named and waits for a restart. */
function reloadOnHangUp(
  read: () => AgentConfig,
  before: AgentConfig,
  agent: () => RunningAgent | undefined,
  log: Logger,
): void {
  let current = before;
  process.on('SIGHUP', () => {
    try {
      const wanted = read();
      const { now, afterRestart } = changesOf(current, wanted);
      agent()?.reconfigure(wanted);
      log.level = wanted.log.level;
      current = wanted;
      log.info({ component: 'config', now, afterRestart }, 'configuration read again');
    } catch (err) {
      log.error({ component: 'config', code: 'CONFIG_INVALID', err }, 'configuration not taken');
    }
  });
}
