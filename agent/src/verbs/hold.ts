import { join } from 'node:path';
import { runFolderOf } from '../adapters/run-folder.ts';
import { askAgent } from '../supervisor/control-server.ts';
import { readOptions, stateDirOf } from './arguments.ts';
import type { Verb, VerbContext } from './verb.ts';

const HELD =
  'Nothing new begins or goes live on this device until `ringfleet-agent release`; what runs goes on and protects itself.';

export const HOLD: Verb = {
  name: 'hold',
  help: [['hold [--reason TEXT]', 'nothing new goes live here until it is released']],
  async run(args, context) {
    const options = readOptions(args, { ...COMMON, reason: { type: 'string' } });
    return ask('hold', HELD, options, context, options.reason);
  },
};

export const RELEASE: Verb = {
  name: 'release',
  help: [['release', 'updates go on']],
  run: (args, context) => ask('release', 'Updates of this device go on.', readOptions(args, COMMON), context),
};

const COMMON = { 'state-dir': { type: 'string' }, json: { type: 'boolean' } } as const;

async function ask(
  verb: 'hold' | 'release',
  words: string,
  options: { readonly 'state-dir'?: string | undefined; readonly json?: boolean | undefined },
  { env, print }: VerbContext,
  text = '',
): Promise<number> {
  const stateDir = stateDirOf(options['state-dir'], env);
  const answer = await askAgent(join(runFolderOf(stateDir, env), 'control.sock'), verb, text);
  print(options.json ? `${JSON.stringify(answer)}\n` : `${words}\n`);
  return 0;
}
