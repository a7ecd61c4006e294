import { readTargets } from '@ringfleet/shared/trust';
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { table } from './output.ts';
import { TrustFolder } from './trust-folder.ts';
import { keyLabel } from './trust-key-names.ts';
import { day } from './trust-next-action.ts';
import { DEVELOPMENT_WARNING } from './trust-publish.ts';
import { type RoleStatus, type TrustDocuments, type TrustStatus, trustStatus } from './trust-status.ts';

/** `ringfleet trust status`: of a folder, offline, or of what the server gives out. */
export function registerStatus(trust: Command, context: () => CliContext): void {
  trust
    .command('status')
    .description('every role: its keys, threshold and date, and what to do next')
    .option('--dir <dir>', 'of this trust folder; without it, of the server')
    .action(async (flags: { dir?: string }) => {
      const cli = context();
      const documents =
        flags.dir === undefined ? await ofServer(cli) : await ofFolder(new TrustFolder(flags.dir));
      const status = trustStatus(documents, Date.now(), flags.dir ?? 'DIR');
      if (status.isDevelopment) cli.progress(DEVELOPMENT_WARNING);
      cli.print(status, text(status, documents.names));
    });
}

async function ofFolder(folder: TrustFolder): Promise<TrustDocuments> {
  const [{ text: root }, targets] = [await folder.newestRoot(), await folder.metadataOrNull('targets.json')];
  return {
    root,
    targets,
    models: await modelTexts(targets, (model) => folder.metadataOrNull(`m.${model}.json`)),
    drafts: await folder.drafts(),
    names: await folder.keyNames(),
  };
}

async function ofServer(cli: CliContext): Promise<TrustDocuments> {
  const get = async (role: string) =>
    (await cli.request('GET', `trust/${role}`, undefined, { as: 'text', expect: [404] })) as string | null;
  const [root, targets] = [await get('root'), await get('targets')];
  const models = await modelTexts(targets, (model) => get(`m.${model}`));
  return { root, targets, models, drafts: [], names: new Map() };
}

async function modelTexts(
  targets: string | null,
  read: (model: string) => Promise<string | null>,
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const model of targets === null ? [] : readTargets(targets).models.keys()) {
    const found = await read(model);
    if (found !== null) texts.set(model, found);
  }
  return texts;
}

function text(status: TrustStatus, names: ReadonlyMap<string, string>): string {
  const rows = status.roles.map((role) => [
    role.role,
    role.version === null ? '-' : String(role.version),
    `${role.threshold} of ${role.keys.length}`,
    role.expiresAtMs === null ? '-' : day(role.expiresAtMs),
    WORDS[role.state],
    role.keys.map(({ keyid }) => keyLabel(keyid, names)).join(', '),
  ]);
  const head = status.isDevelopment ? ['DEVELOPMENT ROOT: one key decides alone.'] : [];
  const shown = table(['ROLE', 'VERSION', 'SIGNERS', 'EXPIRES', 'STATE', 'KEYS'], rows);
  return [...head, ...(rows.length === 0 ? [] : [shown]), `Next: ${status.next}`].join('\n');
}

const WORDS: Readonly<Record<RoleStatus['state'], string>> = {
  ok: 'ok',
  expiresSoon: 'EXPIRES SOON',
  expired: 'EXPIRED',
  notSigned: 'TO BE SIGNED AGAIN',
  missing: 'nothing signed yet',
  online: 'held by the server',
};
