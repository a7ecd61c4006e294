import { readConfig } from '../config.ts';
import { runAgent } from '../run-agent.ts';
import { readOptions, stateDirOf } from './arguments.ts';
import type { Verb } from './verb.ts';

const STOP_LIMIT_MS = 4_500;

export const RUN: Verb = {
  name: 'run',
  help: [['run [--config FILE]', 'the service']],
  async run(args, { env, makeLog, untilEnded }) {
    const options = readOptions(args, { 'state-dir': { type: 'string' }, config: { type: 'string' } });
    const config = readConfig(options.config, env);
    const log = makeLog(config.log.level, 'out');
    const ended = untilEnded();
    const stateDir = stateDirOf(options['state-dir'], env);
    const agent = await runAgent({ stateDir, config, env, log });
    log.info({ device: agent.device, http: agent.http, socket: agent.socket }, 'agent ready');
    if (!ended.aborted) {
      await new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve(), { once: true }));
    }
    // Whatever hangs: the service manager must not have to kill us.
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    await agent.stop();
    log.info('agent stopped');
    return 0;
  },
};
