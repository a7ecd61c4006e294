import { CodedError } from '@ringfleet/shared/errors';
import { clearForImaging, resetDevice } from '../reset-device.ts';
import { readOptions, stateDirOf } from './arguments.ts';
import type { Verb } from './verb.ts';

export const RESET: Verb = {
  name: 'reset',
  help: [
    ['reset --yes', 'erase identity, models and reports of this device'],
    ['reset --for-imaging --yes', 'the same, so that its disk can be copied to many devices'],
  ],
  async run(args, { env, print }) {
    const options = readOptions(args, {
      'state-dir': { type: 'string' },
      'for-imaging': { type: 'boolean' },
      yes: { type: 'boolean' },
    });
    const stateDir = stateDirOf(options['state-dir'], env);
    if (!options.yes) {
      throw new CodedError('USAGE_INVALID', `reset erases all of ${stateDir}; add --yes to do it`);
    }
    if (options['for-imaging']) {
      await clearForImaging(stateDir, env);
      print(
        `${stateDir} holds nothing of this device. Before the disk is copied, also empty /etc/machine-id; devices enroll with a token in /etc/ringfleet/enrollment-token that has a use for each.\n`,
      );
      return 0;
    }
    await resetDevice(stateDir, env);
    print(`${stateDir} is empty: this device belongs to no fleet any more.\n`);
    return 0;
  },
};
