import { dirname } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { Name } from '@ringfleet/shared/protocol';
import { buildRoot, buildTargets, keyIdOf, type RoleKeys } from '@ringfleet/shared/trust';
import type { Command } from 'commander';
import { Check } from 'typebox/value';
import { parseDuration } from '../core/duration.ts';
import type { CliContext } from './context.ts';
import { passphraseOf } from './passphrase.ts';
import {
  delegated,
  type RootChange,
  renewedTargets,
  rootWithout,
  rotatedRoot,
  targetsWithout,
} from './trust-changes.ts';
import { describeDraft } from './trust-describe.ts';
import { isComplete, makeDraft, mergeDrafts, readDraft, signDraft, writeDraft } from './trust-draft.ts';
import { folderOfDraft, TrustFolder } from './trust-folder.ts';
import { createKey, openSigner, readPublicKey } from './trust-key.ts';
import { keyNamesIn } from './trust-key-names.ts';
import {
  type Outcome,
  outcomeOf,
  type SigningFlags,
  settle,
  signingLines,
  startDraft,
} from './trust-signing.ts';

type Flags = SigningFlags & { readonly dir: string; readonly expires: string };

const PASSPHRASE = [
  '--passphrase-file <file>',
  'first line opens the key (or RINGFLEET_KEY_PASSPHRASE)',
] as const;
const DIR = ['--dir <dir>', 'folder that `trust init` made'] as const;
const EXPIRES = ['--expires <duration>', 'how long it is valid from now', '365d'] as const;

/** The verbs of the key ceremony: all of them work offline, on files. */
export function registerCeremony(trust: Command, context: () => CliContext): void {
  registerKeys(trust, context);
  registerRoot(trust, context);
  registerTargets(trust, context);
  registerSign(trust.command('sign <draft>').description('add one signature to any draft'), context);
  trust
    .command('accept <draft...>')
    .description('take signed copies of a draft back into the folder it came from')
    .requiredOption(...DIR)
    .action(async (paths: string[], flags: { dir: string }) => {
      const folder = new TrustFolder(flags.dir);
      const [first, ...more] = await Promise.all(paths.map(readDraft));
      if (!first) throw new CodedError('USAGE_INVALID', 'name a draft');
      const own = await folder.draftOf(first.role);
      const merged = mergeDrafts(own ? [own.draft, first, ...more] : [first, ...more]);
      const cli = context();
      await report(cli, folder, cli.dryRun ? outcomeOf(merged, null) : await settle(folder, merged));
    });
}

function registerKeys(trust: Command, context: () => CliContext): void {
  trust
    .command('key')
    .description('Keys of people who sign.')
    .command('create <name>')
    .description('make NAME.key.json (locked with a passphrase) and NAME.pub.json')
    .requiredOption('--dir <dir>', 'where both files go')
    .option(...PASSPHRASE)
    .action(async (name: string, flags: { dir: string; passphraseFile?: string }) => {
      const cli = context();
      if (!Check(Name, name))
        throw new CodedError('USAGE_INVALID', `${JSON.stringify(name)} is no name for a key`);
      const { keyid } = await createKey(flags.dir, name, await passphraseOf(cli, { ...flags, isNew: true }));
      cli.print(
        { name, keyid, dir: flags.dir },
        `${keyid}\nKeep ${name}.key.json and its passphrase; hand over ${name}.pub.json and read the key id to its receiver.`,
      );
    });
}

function registerRoot(trust: Command, context: () => CliContext): void {
  const root = trust.command('root').description('The root: which keys hold which role.');
  root
    .command('rotate')
    .description('draft the next root with other keys or thresholds')
    .requiredOption(...DIR)
    .option('--root-key <pub...>', 'all keys of the next root (NAME.pub.json)')
    .option('--root-threshold <k>', 'how many of them must sign', Number)
    .option('--targets-key <pub...>', 'all keys of the targets role')
    .option('--targets-threshold <k>', 'how many of them must sign', Number)
    .option('--online-key <pub>', "the server's new online.pub.json")
    .option(...EXPIRES)
    .action(async (flags: RotateFlags) => {
      const online = flags.onlineKey === undefined ? {} : { online: await readPublicKey(flags.onlineKey) };
      const change: RootChange = {
        ...(await roleFlag('root', flags.rootKey, flags.rootThreshold)),
        ...(await roleFlag('targets', flags.targetsKey, flags.targetsThreshold)),
        ...online,
        expires: expiresAt(flags.expires),
      };
      await draftRoot(context(), new TrustFolder(flags.dir), change);
    });
  root
    .command('renew')
    .description('draft the next root with the same keys and a later date')
    .requiredOption(...DIR)
    .option(...EXPIRES)
    .action(async (flags: Flags) => {
      await draftRoot(context(), new TrustFolder(flags.dir), { expires: expiresAt(flags.expires) });
    });
  registerSign(root.command('sign <draft>').description('add one signature to the draft of a root'), context);
}

function registerTargets(trust: Command, context: () => CliContext): void {
  trust
    .command('delegate')
    .description('say which keys speak for a model, and how many of them must')
    .requiredOption(...DIR)
    .requiredOption('--model <name>', 'the model')
    .requiredOption('--key <pub...>', 'all keys of its publishers (NAME.pub.json)')
    .requiredOption('--threshold <k>', 'how many of them must sign a release', Number)
    .option(...EXPIRES)
    .option(...PASSPHRASE)
    .action(async (flags: DelegateFlags) => {
      if (!Check(Name, flags.model))
        throw new CodedError('USAGE_INVALID', `${JSON.stringify(flags.model)} cannot be the name of a model`);
      const folder = new TrustFolder(flags.dir);
      const keys = await Promise.all(flags.key.map(readPublicKey));
      const { targets } = await folder.lastTargets();
      const role = { keys, threshold: flags.threshold };
      const content = delegated(targets, flags.model, role, expiresAt(flags.expires));
      await draftTargets(context(), folder, content, passphraseFlag(flags));
    });
  trust
    .command('revoke')
    .description('take a key out of every role; what runs goes on, nothing new installs with it')
    .requiredOption(...DIR)
    .requiredOption('--key <key>', 'key id, or NAME.pub.json')
    .option(...EXPIRES)
    .option(...PASSPHRASE)
    .action(async (flags: Flags & { key: string }) => {
      const keyid = /^[0-9a-f]{64}$/.test(flags.key) ? flags.key : keyIdOf(await readPublicKey(flags.key));
      await revoke(context(), new TrustFolder(flags.dir), keyid, flags);
    });
  const targets = trust.command('targets').description('The targets role: who speaks for which model.');
  targets
    .command('renew')
    .description('sign the delegations again, with a later date')
    .requiredOption(...DIR)
    .option(...EXPIRES)
    .option(...PASSPHRASE)
    .action(async (flags: Flags) => {
      const folder = new TrustFolder(flags.dir);
      const { targets: last } = await folder.lastTargets();
      await draftTargets(
        context(),
        folder,
        renewedTargets(last, expiresAt(flags.expires)),
        passphraseFlag(flags),
      );
    });
  registerSign(
    targets.command('sign <draft>').description('add one signature to a draft of targets'),
    context,
  );
}

function registerSign(command: Command, context: () => CliContext): void {
  command
    .requiredOption('--key <file>', 'your NAME.key.json')
    .option(...PASSPHRASE)
    .action(async (path: string, flags: SigningFlags & { key: string }) => {
      const cli = context();
      const draft = await readDraft(path);
      const folder = await folderOfDraft(path);
      const names = await (folder?.keyNames() ?? keyNamesIn(dirname(flags.key)));
      for (const line of ['You are about to sign:', ...describeDraft(draft, names)]) cli.progress(line);
      const signer = await openSigner(flags.key, await passphraseOf(cli, flags));
      const signed = signDraft(draft, signer);
      if (cli.dryRun) return cli.print(outcomeOf(signed, null), 'Nothing was written (--dry-run).');
      if (folder) return await report(cli, folder, await settle(folder, signed));
      await writeDraft(path, signed);
      const outcome = outcomeOf(signed, path);
      const next = isComplete(signed)
        ? `All signatures are there. Take ${path} back to its folder: ringfleet trust accept ${path} --dir DIR`
        : `Hand ${path} to the next signer: ringfleet trust sign ${path} --key KEYFILE`;
      cli.print(
        outcome,
        [`Signed with ${signer.keyid.slice(0, 16)}.`, ...signingLines(outcome, names), next].join('\n'),
      );
    });
}

async function draftRoot(cli: CliContext, folder: TrustFolder, change: RootChange): Promise<void> {
  await folder.expectNoDraft('root');
  const { root, text } = await folder.newestRoot();
  const content = rotatedRoot(root, change);
  const draft = makeDraft('root', buildRoot(content), text);
  const outcome = outcomeOf(draft, cli.dryRun ? null : await folder.keepDraft(draft));
  await report(cli, folder, outcome);
}

async function draftTargets(
  cli: CliContext,
  folder: TrustFolder,
  content: Parameters<typeof buildTargets>[0],
  flags: SigningFlags,
): Promise<void> {
  await folder.expectNoDraft('targets');
  const { text } = await folder.newestRoot();
  const outcome = await startDraft(cli, folder, makeDraft('targets', buildTargets(content), text), flags);
  await report(cli, folder, outcome);
}

async function revoke(cli: CliContext, folder: TrustFolder, keyid: string, flags: Flags): Promise<void> {
  const expires = expiresAt(flags.expires);
  const { root } = await folder.newestRoot();
  const { targets } = await folder.lastTargets();
  const nextTargets = targetsWithout(targets, keyid, expires);
  const nextRoot = rootWithout(root, keyid, expires);
  if (nextRoot === null && nextTargets === null) throw new CodedError('KEY_NOT_IN_USE', keyid);
  if (nextRoot !== null) {
    await folder.expectNoDraft('root');
    const { text } = await folder.newestRoot();
    const draft = makeDraft('root', buildRoot(nextRoot), text);
    const outcome = outcomeOf(draft, cli.dryRun ? null : await folder.keepDraft(draft));
    cli.progress(
      nextTargets === null
        ? `Once the new root is in force, run: ringfleet trust targets renew --dir ${folder.path} (if this key signed targets)`
        : 'Once the new root is in force, run this again: the key speaks for models too.',
    );
    return await report(cli, folder, outcome);
  }
  if (nextTargets === null) return;
  const again = nextTargets.models.map((model) => `ringfleet release renew ${model} --trust ${folder.path}`);
  cli.progress(
    `What the key signed must be signed by the others again, once targets are in force:\n  ${again.join('\n  ')}`,
  );
  await draftTargets(cli, folder, nextTargets.content, passphraseFlag(flags));
}

/** Prints where a step of the ceremony stands and what comes next. */
export async function report(cli: CliContext, folder: TrustFolder, outcome: Outcome): Promise<void> {
  const names = await folder.keyNames();
  const next = cli.dryRun
    ? 'Nothing was written (--dry-run).'
    : outcome.isComplete
      ? `${outcome.role} is complete and in force here. Next: ringfleet trust publish --dir ${folder.path}`
      : `Draft: ${outcome.draft}\nNext: each signer runs  ringfleet trust sign ${outcome.draft} --key KEYFILE`;
  cli.print(outcome, [`Who must sign ${outcome.role}:`, ...signingLines(outcome, names), next].join('\n'));
}

interface RotateFlags {
  readonly dir: string;
  readonly rootKey?: readonly string[];
  readonly rootThreshold?: number;
  readonly targetsKey?: readonly string[];
  readonly targetsThreshold?: number;
  readonly onlineKey?: string;
  readonly expires: string;
}

interface DelegateFlags {
  readonly dir: string;
  readonly model: string;
  readonly key: readonly string[];
  readonly threshold: number;
  readonly expires: string;
  readonly passphraseFile?: string;
}

async function roleFlag(
  name: 'root' | 'targets',
  files: readonly string[] | undefined,
  threshold: number | undefined,
): Promise<Partial<Record<'root' | 'targets', RoleKeys>>> {
  if (files === undefined && threshold === undefined) return {};
  if (files === undefined || threshold === undefined) {
    throw new CodedError('USAGE_INVALID', `--${name}-key and --${name}-threshold go together`);
  }
  return { [name]: { keys: await Promise.all(files.map(readPublicKey)), threshold } };
}

const passphraseFlag = ({ passphraseFile }: { readonly passphraseFile?: string }): SigningFlags =>
  passphraseFile === undefined ? {} : { passphraseFile };

export function expiresAt(text: string): number {
  const forMs = parseDuration(text);
  if (forMs === null || forMs <= 0)
    throw new CodedError('USAGE_INVALID', 'write --expires like 365d', { at: '--expires' });
  return Date.now() + forMs;
}
