import { CodedError, type ErrorCode } from '@ringfleet/shared/errors';
import type { Webhook, WebhookDelivery } from '../ports/webhooks.ts';
import type { CliContext, RegisterCommands } from './context.ts';
import { allItems, collect } from './operate-arguments.ts';
import { table } from './output.ts';

interface TestOutcome {
  readonly isTaken: boolean;
  readonly status: number | null;
  readonly code: ErrorCode | null;
  readonly detail: string | null;
}

/** Who else is told what happens in the fleet. */
export const registerWebhookCommands: RegisterCommands = (program, context) => {
  const webhook = program.command('webhook').description('tell other systems what happens, signed');

  webhook
    .command('list')
    .description('webhooks with what waits for them and their newest delivery')
    .action(async () => {
      const cli = context();
      const { items } = (await cli.request('GET', 'webhooks')) as { items: readonly Webhook[] };
      const rows = items.map(({ name, url, kinds, waiting, last }) => [
        name,
        kinds.join(','),
        String(waiting),
        last === null ? 'nothing sent yet' : `${resultOf(last)} ${timeOf(last.triedAtMs)}`,
        url,
      ]);
      const text = table(['NAME', 'KINDS', 'WAITING', 'LAST', 'URL'], rows);
      cli.print(items, items.length === 0 ? 'There are no webhooks.' : text);
    });

  webhook
    .command('set')
    .argument('<name>')
    .argument('<url>')
    .description('make a webhook, or change where it goes; a new secret is printed this once')
    .option('--kind <kind>', 'alert, device, release, ring, rollout, state or trust; repeatable', collect)
    .option('--new-secret', 'replace the secret; the old one signs nothing any more')
    .action(async (name: string, url: string, flags: { kind?: readonly string[]; newSecret?: boolean }) => {
      const cli = context();
      const { kind: kinds, newSecret } = flags;
      const body = { url, ...(kinds ? { kinds } : {}), ...(newSecret ? { newSecret } : {}) };
      const done = (await cli.request('PUT', path(name), body)) as { secret: string | null };
      if (done.secret === null) return cli.print(done, `${name} is changed; its secret stays.`);
      cli.progress('Give the receiver this secret; it is shown this once:');
      // Alone on stdout, so that it can go into a file.
      cli.print(done, done.secret);
    });

  webhook
    .command('delete')
    .argument('<name>')
    .description('delete a webhook and what waits for it')
    .action(async (name: string) => {
      const cli = context();
      await cli.confirm(`Delete the webhook ${name} and what waits for it?`);
      await cli.request('DELETE', path(name));
      cli.print({ deleted: name }, `${name} is deleted.`);
    });

  webhook
    .command('test')
    .argument('<name>')
    .description('send a test message now and say what came back')
    .action(async (name: string) => {
      const cli = context();
      const outcome = (await cli.request('POST', `${path(name)}/test`)) as TestOutcome;
      const { isTaken, status, code, detail } = outcome;
      if (!isTaken) throw new CodedError(code ?? 'WEBHOOK_NOT_TAKEN', detail ?? undefined);
      cli.print(outcome, `Taken: the receiver answered ${status}.`);
    });

  webhook
    .command('log')
    .argument('<name>')
    .description('what waits for a webhook, and its last 200 deliveries')
    .action(async (name: string) => printLog(context(), name));
};

async function printLog(cli: CliContext, name: string): Promise<void> {
  const found = await allItems<WebhookDelivery>(cli, `${path(name)}/deliveries`);
  const rows = found.map((delivery) => [
    timeOf(delivery.createdAtMs),
    delivery.id,
    delivery.type,
    resultOf(delivery),
    String(delivery.attempts),
    delivery.nextAtMs === null ? '-' : timeOf(delivery.nextAtMs),
    delivery.detail ?? '-',
  ]);
  const text = table(['TIME', 'WEBHOOK-ID', 'TYPE', 'STATE', 'ATTEMPTS', 'NEXT', 'WHY'], rows);
  cli.print(found, found.length === 0 ? 'Nothing was sent yet.' : text);
}

const path = (name: string): string => `webhooks/${encodeURIComponent(name)}`;
const resultOf = ({ state, code }: WebhookDelivery): string => (code === null ? state : `${state} ${code}`);
const timeOf = (ms: number | null): string => (ms === null ? '-' : new Date(ms).toISOString());
