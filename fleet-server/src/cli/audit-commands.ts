import { readFile } from 'node:fs/promises';
import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import { checkCheckpoint } from '../audit/checkpoint.ts';
import type { CliContext, RegisterCommands } from './context.ts';
import { wholeNumberOption } from './operate-arguments.ts';
import { table } from './output.ts';

interface Verdict {
  readonly rows: number;
  readonly checkpoints: number;
  readonly problem: { readonly code: ErrorCode; readonly seq: number } | null;
}

/** `ringfleet audit …`: who changed what, and whether the log still says so. */
export const registerAuditCommands: RegisterCommands = (program, context) => {
  const audit = program.command('audit').description('who changed what');

  audit
    .command('list')
    .description('the newest changes')
    .option('--limit <n>', 'how many, at most 500', '50')
    .action(async ({ limit }: { limit: string }) => {
      const cli = context();
      const { items } = (await cli.request('GET', `audit?limit=${wholeNumberOption('--limit', limit)}`)) as {
        items: { seq: number; atMs: number; by: string; action: string; target: string }[];
      };
      const rows = items.map(({ seq, atMs, by, action, target }) => [
        String(seq),
        new Date(atMs).toISOString(),
        by,
        action,
        target,
      ]);
      const text = table(['ROW', 'TIME', 'BY', 'ACTION', 'TARGET'], rows);
      cli.print(items, items.length === 0 ? 'Nothing was changed yet.' : text);
    });

  audit
    .command('verify')
    .description(
      'compute the hash chain again and compare it with signed checkpoints; ends with 3 when it does not fit',
    )
    .option('--checkpoints <file>', 'a copy kept outside of the server; its newest line is compared, too')
    .action(async ({ checkpoints }: { checkpoints?: string }) => {
      const cli = context();
      const query = checkpoints === undefined ? '' : await newestMark(checkpoints);
      const verdict = (await cli.request('GET', `audit/verify${query}`)) as Verdict;
      if (verdict.problem)
        throw new CodedError(verdict.problem.code, `this shows at row ${verdict.problem.seq}`);
      const signed = `${verdict.checkpoints} signed checkpoints${query === '' ? '' : ' and the copy'}`;
      cli.print(verdict, `All ${verdict.rows} rows fit, and so do ${signed}.`);
    });

  audit
    .command('checkpoints')
    .description(
      'signed checkpoints as lines of JSON; keep them outside of the server (`>> checkpoints.jsonl`)',
    )
    .option('--after <row>', 'only those of later rows', '0')
    .action(async ({ after }: { after: string }) =>
      printCheckpoints(context(), wholeNumberOption('--after', after)),
    );
};

async function printCheckpoints(cli: CliContext, after: number): Promise<void> {
  const { items } = (await cli.request('GET', `audit/checkpoints?after=${after}`)) as { items: unknown[] };
  cli.print(items, items.map((item) => JSON.stringify(item)).join('\n'));
}

async function newestMark(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new CodedError('FILE_UNREADABLE', path, { cause });
  }
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  const value = ((): unknown => {
    try {
      return JSON.parse(line);
    } catch (cause) {
      throw new CodedError('AUDIT_CHECKPOINT_INVALID', `the last line of ${path} is not JSON`, { cause });
    }
  })();
  const { seq, hash } = checkCheckpoint(value);
  return `?seq=${seq}&hash=${hash}`;
}
