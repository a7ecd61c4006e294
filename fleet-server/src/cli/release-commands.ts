import { CodedError } from '@ringfleet/shared/errors';
import { buildRelease } from '../release-build/build-release.ts';
import { readDist } from './built-release.ts';
import type { CliContext, RegisterCommands } from './context.ts';
import { table } from './output.ts';
import { passphraseOf } from './passphrase.ts';
import { publishRelease } from './release-publish.ts';
import { registerModelRoleVerbs } from './release-role-commands.ts';
import { signRelease } from './release-sign.ts';
import { TrustFolder } from './trust-folder.ts';
import { signingLines } from './trust-signing.ts';

/** `ringfleet release build|sign|publish|list|show|yank`. */
export const registerReleaseCommands: RegisterCommands = (program, context) => {
  const release = program.command('release').description('build, sign and publish releases of models');
  release
    .command('build <source>')
    .description('make a release of a folder with release.yaml')
    .option('--out <dir>', 'where <model>-<version> goes', 'dist')
    .action(async (source: string, flags: { out: string }) => {
      const cli = context();
      const { progress, signal } = cli;
      const built = await buildRelease({ source, out: flags.out, nowMs: buildTimeMs(cli), progress, signal });
      const { model, version, lineage, files } = built.manifest;
      cli.print(
        { folder: built.folder, model, version, digest: built.digest, files: files.length, lineage },
        `${built.folder}\n${built.digest}`,
      );
    });
  release
    .command('sign <dist>')
    .description('sign a built release with its publisher key; works offline')
    .requiredOption('--trust <dir>', 'folder that `trust init` made')
    .option('--key <file>', 'NAME.key.json, where it is not keys/MODEL.key.json of the folder')
    .option('--passphrase-file <file>', 'first line opens the key (or RINGFLEET_KEY_PASSPHRASE)')
    .action(async (path: string, flags: { trust: string; key?: string; passphraseFile?: string }) => {
      const cli = context();
      const dist = await readDist(path);
      const passphrase = await passphraseOf(cli, flags);
      const trust = new TrustFolder(flags.trust);
      const signed = await signRelease(dist, trust, passphrase, Date.now(), flags.key);
      const { model, version } = dist.manifest;
      const { releaseCounter } = signed.release;
      const isOpen = signed.outcome?.isComplete === false;
      const state = isOpen ? 'waits for more signatures' : signed.isNew ? 'is signed' : 'was signed before';
      const who = signed.outcome && isOpen ? signingLines(signed.outcome, await trust.keyNames()) : [];
      cli.print(
        { model, version, digest: `sha256:${dist.manifestSha256}`, releaseCounter, ...signed },
        [`${model} ${version} ${state}: release counter ${releaseCounter}`, ...who].join('\n'),
      );
    });
  registerModelRoleVerbs(release, context);
  release
    .command('publish <dist>')
    .description('upload a signed release to the server')
    .requiredOption('--trust <dir>', 'folder that `trust init` made')
    .action(async (path: string, flags: { trust: string }) => {
      const cli = context();
      const published = await publishRelease(cli, await readDist(path), new TrustFolder(flags.trust));
      const { model, version, uploaded, skipped } = published;
      cli.print(
        published,
        `${model} ${version} is published: ${uploaded} files sent, ${skipped} were there already.`,
      );
    });
  release
    .command('list')
    .description('releases on the server')
    .option('--model <name>', 'only this model')
    .action(async (flags: { model?: string }) => {
      const cli = context();
      const items = await allReleases(cli, flags.model);
      const rows = items.map((item) => [
        String(item['model']),
        String(item['version']),
        item['yankedAtMs'] ? 'yanked' : 'ok',
        new Date(Number(item['publishedAtMs'])).toISOString(),
        String(item['digest']),
      ]);
      cli.print({ items }, table(['MODEL', 'VERSION', 'STATE', 'PUBLISHED', 'DIGEST'], rows));
    });
  release
    .command('show <release>')
    .description('one release with its manifest, as MODEL@VERSION')
    .action(async (name: string) => {
      const cli = context();
      const shown = await cli.request('GET', releasePath(name));
      cli.print(shown, JSON.stringify(shown, null, 2));
    });
  release
    .command('yank <release>')
    .description('give a release out no more; devices that run it go on')
    .action(async (name: string) => {
      const cli = context();
      await cli.confirm(`Yank ${name}? It cannot be assigned any more.`);
      cli.print(await cli.request('POST', `${releasePath(name)}/yank`), `${name} is yanked.`);
    });
};

async function allReleases(cli: CliContext, model: string | undefined): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  const query = new URLSearchParams({ limit: '100', ...(model === undefined ? {} : { model }) });
  for (;;) {
    const page = (await cli.request('GET', `releases?${query}`)) as {
      items: Record<string, unknown>[];
      next: string | null;
    };
    items.push(...page.items);
    if (page.next === null) return items;
    query.set('cursor', page.next);
  }
}

function releasePath(name: string): string {
  const match = /^([^@/]+)@([^@/]+)$/.exec(name);
  if (!match) throw new CodedError('USAGE_INVALID', `${JSON.stringify(name)} is not MODEL@VERSION`);
  return `releases/${encodeURIComponent(match[1] ?? '')}/${encodeURIComponent(match[2] ?? '')}`;
}

/** SOURCE_DATE_EPOCH (seconds) makes two builds of one source the same bytes. */
function buildTimeMs(cli: CliContext): number {
  const fixed = cli.env['SOURCE_DATE_EPOCH'];
  return fixed !== undefined && /^\d{1,12}$/.test(fixed) ? Number(fixed) * 1_000 : Date.now();
}
