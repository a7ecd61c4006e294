import { serveCommand } from '../serving/serve-command.ts';
import type { Verb, VerbContext } from './verb.ts';

export const SERVE: Verb = {
  name: 'serve',
  help: [['serve [--help] PATH…', 'serve model files without any fleet']],
  run: (args, context) => serveCommand(args, standalone(context)),
};

/** What a verb that needs no fleet works with. */
export function standalone({ version, env, makeLog, print, complain, untilEnded }: VerbContext) {
  return {
    signal: untilEnded(),
    version,
    env,
    log: makeLog('warn'),
    print: (line: string) => print(`${line}\n`),
    complain: (line: string) => complain(`${line}\n`),
  };
}
