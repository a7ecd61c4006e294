import { diagnosisText, exitCodeOfDiagnosis } from '@ringfleet/shared/diagnosis';
import { examine } from '../doctor/examine.ts';
import { readOptions, stateDirOf } from './arguments.ts';
import type { Verb } from './verb.ts';

export const DOCTOR: Verb = {
  name: 'doctor',
  help: [['doctor [--token-file FILE] [--json]', 'looks for what could keep this device from working']],
  async run(args, { env, print, makeLog }) {
    const options = readOptions(args, {
      'state-dir': { type: 'string' },
      'token-file': { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean' },
    });
    const { config, 'token-file': tokenFile } = options;
    const diagnosis = await examine({
      stateDir: stateDirOf(options['state-dir'], env),
      env,
      log: makeLog('error'),
      ...(config === undefined ? {} : { config }),
      ...(tokenFile === undefined ? {} : { tokenFile }),
    });
    print(options.json ? `${JSON.stringify(diagnosis)}\n` : diagnosisText(diagnosis));
    return exitCodeOfDiagnosis(diagnosis);
  },
};
