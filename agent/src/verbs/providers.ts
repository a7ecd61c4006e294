import { readConfig } from '../config.ts';
import { providersReport, providersText } from '../providers-command.ts';
import { readOptions } from './arguments.ts';
import type { Verb } from './verb.ts';

export const PROVIDERS: Verb = {
  name: 'providers',
  help: [['providers [--json]', 'what can run models here, and what is missing']],
  async run(args, { env, print, makeLog }) {
    const options = readOptions(args, { config: { type: 'string' }, json: { type: 'boolean' } });
    const { runtime } = readConfig(options.config, env);
    const report = await providersReport(runtime, makeLog('error'));
    print(options.json ? `${JSON.stringify(report)}\n` : providersText(report));
    return 0;
  },
};
