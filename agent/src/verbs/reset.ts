import { CodedError } from '@ringfleet/shared/errors';
import { resetDevice } from '../reset-device.ts';
import { readOptions, stateDirOf } from './arguments.ts';
import type { Verb } from './verb.ts';

export const RESET: Verb = {
  name: 'reset',
  help: [['reset --yes', 'erase identity, models and reports of this device']],
  async run(args, { env, print }) {
    const options = readOptions(args, { 'state-dir': { type: 'string' }, yes: { type: 'boolean' } });
    const stateDir = stateDirOf(options['state-dir'], env);
    if (!options.yes) {
      throw new CodedError('USAGE_INVALID', `reset erases all of ${stateDir}; add --yes to do it`);
    }
    await resetDevice(stateDir, env);
    print(`${stateDir} is empty: this device belongs to no fleet any more.\n`);
    return 0;
  },
};
