import type { ApiToken } from '../ports/stores.ts';
import type { RegisterCommands } from './context.ts';
import { allItems, durationOption } from './operate-arguments.ts';
import { table } from './output.ts';

/** `ringfleet token api …`: tokens for scripts, beside the ones that admit devices. */
export const registerTokenApiCommands: RegisterCommands = (program, context) => {
  const token = program.commands.find((known) => known.name() === 'token') ?? program.command('token');
  const api = token.command('api').description('API tokens for scripts');

  api
    .command('create')
    .argument('<name>')
    .description('make an API token; it is printed this once')
    .requiredOption('--role <role>', 'viewer, operator, publisher or admin')
    .option('--expires <duration>', 'how long it works, or `never`', '90d')
    .action(async (name: string, { role, expires }: { role: string; expires: string }) => {
      const cli = context();
      const expiresInMs = expires === 'never' ? null : durationOption('--expires', expires);
      const made = (await cli.request('POST', 'tokens/api', { name, role, expiresInMs })) as {
        token: string;
      };
      cli.print(made, made.token);
    });

  api
    .command('list')
    .description('API tokens with their last use')
    .action(async () => {
      const cli = context();
      const tokens = await allItems<ApiToken>(cli, 'tokens/api');
      const rows = tokens.map((item) => [
        item.name,
        item.person === null ? item.role : `as ${item.person}`,
        item.owner ?? '-',
        item.createdBy,
        timeOf(item.expiresAtMs),
        timeOf(item.lastUsedAtMs),
      ]);
      const text = table(['NAME', 'ROLE', 'PERSON', 'MADE BY', 'EXPIRES', 'LAST USED'], rows);
      cli.print(tokens, tokens.length === 0 ? 'There are no API tokens.' : text);
    });

  api
    .command('revoke')
    .argument('<name>')
    .description('end an API token and the sessions opened with it')
    .action(async (name: string) => {
      const cli = context();
      await cli.confirm(`Revoke the API token ${name}?`);
      await cli.request('DELETE', `tokens/api/${encodeURIComponent(name)}`);
      cli.print({ revoked: name }, `${name} is revoked.`);
    });
};

const timeOf = (ms: number | null): string => (ms === null ? 'never' : new Date(ms).toISOString());
