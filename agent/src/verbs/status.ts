import { join } from 'node:path';
import { readIdentity } from '../adapters/identity.ts';
import { runFolderOf } from '../adapters/run-folder.ts';
import { privacyText } from '../privacy-text.ts';
import { explained, statusText } from '../status-text.ts';
import { askAgent, askStatus } from '../supervisor/control-server.ts';
import type { SentView } from '../supervisor/sent-log.ts';
import { readOptions, stateDirOf } from './arguments.ts';
import type { Verb } from './verb.ts';

export const STATUS: Verb = {
  name: 'status',
  help: [
    ['status [--json]', 'what runs, since when, why, and what comes next'],
    ['status --privacy [--json]', 'what left the device, field by field, and what never does'],
  ],
  async run(args, { env, print }) {
    const options = readOptions(args, {
      'state-dir': { type: 'string' },
      json: { type: 'boolean' },
      privacy: { type: 'boolean' },
    });
    const stateDir = stateDirOf(options['state-dir'], env);
    const socket = join(runFolderOf(stateDir, env), 'control.sock');
    if (options.privacy) {
      const sent = (await askAgent(socket, 'privacy')) as SentView;
      print(options.json ? `${JSON.stringify(sent)}\n` : privacyText(sent));
      return 0;
    }
    const status = await askStatus(socket).catch(async (err: unknown) => {
      // The service waits for this, and answers nothing until then.
      await readIdentity(stateDir);
      throw err;
    });
    print(
      options.json
        ? `${JSON.stringify({ ...(status as object), ...explained(status) })}\n`
        : statusText(status),
    );
    return 0;
  },
};
