import { CodedError } from '@ringfleet/shared/errors';
import { buildModelRole, type ModelRoleContent, modelRoleName } from '@ringfleet/shared/trust';
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { baseOf, nextContent } from './release-sign.ts';

import { makeDraft } from './trust-draft.ts';
import { TrustFolder } from './trust-folder.ts';
import { expiresAt } from './trust-options.ts';
import { report } from './trust-report.ts';
import { type SigningFlags, startDraft } from './trust-signing.ts';

type Flags = SigningFlags & { readonly trust: string; readonly expires: string };

/** `ringfleet release floor|renew`: what a publisher signs about a model besides new releases. */
export function registerModelRoleVerbs(release: Command, context: () => CliContext): void {
  common(
    release
      .command('floor <release>')
      .description('no device may go below this release, MODEL@VERSION, any more'),
  ).action(async (name: string, flags: Flags) => {
    const [model = '', version = ''] = name.split('@');
    const { folder, content, targetsText } = await next(model, flags);
    const found = content.releases.find((one) => one.version === version);
    if (!found) throw new CodedError('RELEASE_NOT_SIGNED', `${folder.path} has no signed ${name}`);
    if (found.releaseCounter <= content.minReleaseCounter) throw notHigher(content);
    const raised = { ...content, minReleaseCounter: found.releaseCounter };
    const cli = context();
    const below = content.releases.filter((one) => one.releaseCounter < found.releaseCounter);
    cli.progress(`No longer installable: ${below.map((one) => one.version).join(', ')}`);
    await put(cli, folder, raised, targetsText, flags);
  });
  common(
    release
      .command('renew <model>')
      .description("sign a model's releases again, by today's keys and with a later date"),
  ).action(async (model: string, flags: Flags) => {
    const { folder, content, targetsText } = await next(model, flags);
    const cli = context();
    cli.progress(
      `Signing again: ${content.releases.map((one) => one.version).join(', ') || 'no release yet'}`,
    );
    await put(cli, folder, content, targetsText, flags);
  });
}

async function next(model: string, flags: Flags) {
  const folder = new TrustFolder(flags.trust);
  const { last, targetsText } = await baseOf(folder, model);
  await folder.expectNoDraft(modelRoleName(model));
  return { folder, targetsText, content: nextContent(model, last, expiresAt(flags.expires)) };
}

async function put(
  cli: CliContext,
  folder: TrustFolder,
  content: ModelRoleContent,
  targetsText: string,
  flags: Flags,
): Promise<void> {
  const draft = makeDraft(modelRoleName(content.model), buildModelRole(content), targetsText);
  await report(cli, folder, await startDraft(cli, folder, draft, flags));
}

const common = (command: Command): Command =>
  command
    .requiredOption('--trust <dir>', 'folder that `trust init` made')
    .option('--key <file>', 'NAME.key.json that signs; without it, one of the folder where one is enough')
    .option('--expires <duration>', 'how long it is valid from now', '365d')
    .option('--passphrase-file <file>', 'first line opens the key (or RINGFLEET_KEY_PASSPHRASE)');

const notHigher = ({ model, minReleaseCounter }: ModelRoleContent): CodedError =>
  new CodedError('FLOOR_NOT_HIGHER', `the floor of ${model} is release counter ${minReleaseCounter}`);
