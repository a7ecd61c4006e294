import { join } from 'node:path';
import { readIdentity } from '../adapters/identity.ts';
import { runFolderOf } from '../adapters/run-folder.ts';
import { explained, statusText } from '../status-text.ts';
import { askStatus } from '../supervisor/control-server.ts';
import { readOptions, stateDirOf } from './arguments.ts';
import type { Verb } from './verb.ts';

export const STATUS: Verb = {
  name: 'status',
  help: [['status [--json]', 'what runs, since when, why, and what comes next']],
  async run(args, { env, print }) {
    const options = readOptions(args, { 'state-dir': { type: 'string' }, json: { type: 'boolean' } });
    const stateDir = stateDirOf(options['state-dir'], env);
    const status = await askStatus(join(runFolderOf(stateDir, env), 'control.sock')).catch(
      async (err: unknown) => {
        // The service waits for this, and answers nothing until then.
        await readIdentity(stateDir);
        throw err;
      },
    );
    print(
      options.json
        ? `${JSON.stringify({ ...(status as object), ...explained(status) })}\n`
        : statusText(status),
    );
    return 0;
  },
};
