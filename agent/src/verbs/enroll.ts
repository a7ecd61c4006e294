import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { readTokenFile } from '../adapters/enroll.ts';
import { runFolderOf, SERVICE_RUN_FOLDER } from '../adapters/run-folder.ts';
import { actAsOwner } from '../adapters/state-owner.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { enrollDevice } from '../enroll-device.ts';
import { untilServiceAnswers } from '../until-service.ts';
import { readOptions, stateDirOf } from './arguments.ts';
import type { Verb } from './verb.ts';

export const ENROLL: Verb = {
  name: 'enroll',
  help: [
    ['enroll --token-file FILE [--id ID] [--config FILE]', 'make this device known to its fleet server'],
  ],
  async run(args, { env, version, print, complain, makeLog, untilEnded }) {
    const options = readOptions(args, {
      'state-dir': { type: 'string' },
      'token-file': { type: 'string' },
      id: { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean' },
    });
    const { id, config, 'token-file': tokenFile } = options;
    if (tokenFile === undefined) throw new CodedError('USAGE_INVALID', 'enroll needs --token-file FILE');
    if (id !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
      throw new CodedError('USAGE_INVALID', '--id must be 1 to 64 letters, digits, _ or -', { at: '--id' });
    }
    const stateDir = stateDirOf(options['state-dir'], env);
    // Read while we may: the service's user need not be able to.
    const token = await readTokenFile(tokenFile);
    await actAsOwner(stateDir);
    const done = await enrollDevice({
      stateDir,
      token,
      env,
      version,
      log: makeLog('warn'),
      ...(id === undefined ? {} : { id }),
      ...(config === undefined ? {} : { config }),
      onPending: ({ device, code }) =>
        complain(
          `Waiting for approval. This device shows the code ${code}.\nAn operator runs: ringfleet device approve ${device} --code ${code}\n`,
        ),
    });
    const runDir = runFolderOf(stateDir, env);
    if (runDir === SERVICE_RUN_FOLDER) {
      await untilServiceAnswers(join(runDir, 'control.sock'), systemClock, untilEnded());
    }
    print(
      options.json ? `${JSON.stringify(done)}\n` : `This device is ${done.device} of fleet ${done.fleet}.\n`,
    );
    return 0;
  },
};
