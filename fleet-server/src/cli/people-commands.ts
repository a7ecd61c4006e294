import type { Person } from '../ports/people.ts';
import type { ApiToken } from '../ports/stores.ts';
import { registerAuditCommands } from './audit-commands.ts';
import type { CliContext, RegisterCommands } from './context.ts';
import { registerLoginCommand } from './login-command.ts';
import { allItems } from './operate-arguments.ts';
import { table } from './output.ts';
import { registerTokenApiCommands } from './token-api-commands.ts';

interface Invited {
  readonly person: Person;
  readonly link: string;
  readonly expiresAtMs: number;
}

/** Who may use the fleet, with what, and what they did. */
export const registerPeopleCommands: RegisterCommands = (program, context) => {
  registerLoginCommand(program, context);
  registerTokenApiCommands(program, context);
  registerAuditCommands(program, context);
  const people = program.command('people').description('who may use this fleet');

  people
    .command('list')
    .description('people with their roles')
    .action(async () => {
      const cli = context();
      const found = await allItems<Person>(cli, 'people');
      const rows = found.map((person) => [
        person.name,
        person.role,
        person.isExternal ? 'identity provider' : person.hasPassword ? 'password' : 'invited',
        person.lastSignInAtMs === null ? 'never' : new Date(person.lastSignInAtMs).toISOString(),
      ]);
      const text = table(['NAME', 'ROLE', 'SIGNS IN WITH', 'LAST SIGN-IN'], rows);
      cli.print(found, found.length === 0 ? 'Nobody has been set up yet.' : text);
    });

  people
    .command('create')
    .argument('<name>')
    .description('invite a person; prints the link where they choose a password')
    .requiredOption('--role <role>', 'viewer, operator, publisher or admin')
    .action(async (name: string, { role }: { role: string }) => {
      const cli = context();
      printInvited(cli, (await cli.request('POST', 'people', { name, role })) as Invited);
    });

  people
    .command('set-role')
    .argument('<name>')
    .argument('<role>')
    .description('change what a person may do, at once')
    .action(async (name: string, role: string) => {
      const cli = context();
      const person = (await cli.request('PATCH', path(name), { role })) as Person;
      cli.print(person, `${person.name} is ${person.role} now.`);
    });

  people
    .command('remove')
    .argument('<name>')
    .description('remove a person, with all sessions, login tokens and tokens they made for scripts')
    .action(async (name: string) => {
      const cli = context();
      const tokens = (await allItems<ApiToken>(cli, 'tokens/api'))
        .filter(({ owner, person }) => person === null && owner?.toLowerCase() === name.toLowerCase())
        .map((token) => token.name);
      const along =
        tokens.length === 0 ? '' : ` These tokens of scripts end with them: ${tokens.join(', ')}.`;
      await cli.confirm(`Remove ${name}?${along}`);
      await cli.request('DELETE', path(name));
      cli.print({ removed: name, tokens }, `${name} is removed.${along}`);
    });

  people
    .command('reset')
    .argument('<name>')
    .description('void the password, end all sessions, and print a new link')
    .action(async (name: string) => {
      const cli = context();
      await cli.confirm(`Void the password of ${name} and end all sessions?`);
      printInvited(cli, (await cli.request('POST', `${path(name)}/reset`)) as Invited);
    });
};

const path = (name: string): string => `people/${encodeURIComponent(name)}`;

function printInvited(cli: CliContext, invited: Invited): void {
  cli.progress(`Give ${invited.person.name} this link; it works once, for 24 hours:`);
  // Alone on stdout, so that it can go into a message.
  cli.print(invited, invited.link);
}
