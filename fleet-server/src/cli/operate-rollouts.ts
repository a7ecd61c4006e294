import { CodedError } from '@ringfleet/shared/errors';
import type { Rollout, RolloutRing } from '../core/domain.ts';
import type { Explanation } from '../core/explain.ts';
import type { CliContext, RegisterCommands } from './context.ts';
import { allItems, planFromFile, releaseArgument } from './operate-arguments.ts';
import { getRollout, requireComplete, watchRollout } from './operate-watch.ts';
import { table } from './output.ts';

export const registerRolloutCommands: RegisterCommands = (program, context) => {
  const rollout = program.command('rollout').description('one release through several rings, with gates');

  rollout
    .command('start')
    .argument('<model@version>')
    .description('start a rollout; with --watch follow it to its end')
    .requiredOption('--plan <file>', 'plan file (kind: RolloutPlan)')
    .action(async (release: string, flags: { plan: string }) => {
      const cli = context();
      const body = { ...releaseArgument(release), plan: planFromFile(flags.plan) };
      const started = (await cli.request('POST', 'rollouts', body)) as Rollout;
      await show(cli, started);
    });

  rollout
    .command('status')
    .argument('[id]')
    .description('all rollouts, or one with its rings and gates')
    .action(async (id?: string) => {
      const cli = context();
      if (id !== undefined) return show(cli, await getRollout(cli, id));
      const all = await allItems<Rollout>(cli, 'rollouts');
      const rows = all.map((item) => [
        item.id,
        `${item.model}@${item.version}`,
        item.state,
        item.reason ?? '',
      ]);
      cli.print(
        all,
        all.length === 0 ? 'No rollouts yet.' : table(['ROLLOUT', 'RELEASE', 'STATE', 'WHY'], rows),
      );
    });

  rollout
    .command('explain')
    .argument('<id>')
    .description('why it stands where it stands, down to the devices')
    .action(async (id: string) => {
      const cli = context();
      const found = (await cli.request('GET', `rollouts/${encodeURIComponent(id)}/explain`)) as Explanation;
      cli.print(found, found.sentences.join('\n'));
    });

  for (const [kind, description] of ORDERS) {
    rollout
      .command(kind)
      .argument('<id>')
      .description(description)
      .action(async (id: string) => {
        const cli = context();
        await show(cli, (await cli.request('POST', `rollouts/${encodeURIComponent(id)}/${kind}`)) as Rollout);
      });
  }

  rollout
    .command('abort')
    .argument('<id>')
    .description('end it; needs --keep or --revert')
    .option('--keep', 'rings keep what they are assigned now')
    .option('--revert', 'rings go back to what they ran before')
    .action(async (id: string, { keep, revert }: { keep?: boolean; revert?: boolean }) => {
      if (keep === revert) throw new CodedError('USAGE_INVALID', 'abort needs either --keep or --revert');
      const cli = context();
      const mode = revert ? 'revert' : 'keep';
      const aborted = (await cli.request('POST', `rollouts/${encodeURIComponent(id)}/abort`, {
        mode,
      })) as Rollout;
      cli.print(aborted, textOf(aborted));
    });
};

const ORDERS = [
  ['pause', 'open no further ring'],
  ['resume', 'go on; failures seen so far are acknowledged and stay counted'],
  ['approve', 'let the gate that waits for a person pass'],
] as const;

async function show(cli: CliContext, rollout: Rollout): Promise<void> {
  if (!cli.watch) return cli.print(rollout, textOf(rollout));
  const end = await watchRollout(cli, rollout.id);
  cli.print(end, textOf(end));
  requireComplete(end);
}

function textOf(rollout: Rollout): string {
  const { id, model, version, state, reason, rings } = rollout;
  const why = reason === null ? '' : `\n${reason}`;
  const headers = ['RING', 'STATE', 'PROVEN', 'FAILED', 'UNREACHED', 'GATE'];
  return `${id}  ${model}@${version}  ${state}${why}\n${table(headers, rings.map(ringRow))}`;
}

function ringRow({ plan, state, gate }: RolloutRing): readonly string[] {
  if (!gate) return [plan.ring, state, '-', '-', '-', '-'];
  const { proven, members, failed, unreached } = gate.counts;
  const what = `${gate.verdict} ${gate.code}: ${gate.sentence} ${gate.claim}`;
  return [plan.ring, state, `${proven}/${members}`, String(failed), String(unreached), what];
}
