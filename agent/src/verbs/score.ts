import { scoreCommand } from '../batch/score-command.ts';
import { standalone } from './serve.ts';
import type { Verb } from './verb.ts';

export const SCORE: Verb = {
  name: 'score',
  help: [
    ['score --model NAME --input FILE --output FILE.jsonl', ''],
    ['', 'one answer per row of a .csv, .jsonl or .npy file'],
  ],
  async run(args, context) {
    const { showProgress, complain } = context;
    const code = await scoreCommand(args, {
      ...standalone(context),
      ...(showProgress ? { showProgress } : {}),
    });
    if (showProgress) complain('\n');
    return code;
  },
};
