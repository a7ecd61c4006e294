import {
  modelRoleName,
  readModelRole,
  readRoot,
  signingProgress,
  type TargetsRole,
  verifyModelRole,
} from '@ringfleet/shared/trust';
import type { CliContext } from './context.ts';
import type { TrustFolder } from './trust-folder.ts';

/**
 * Sends the roots that the server does not have yet, in order, and the targets role. What it already has is left alone, so
 * publishing twice is harmless. Answers what was sent.
 */
export async function publishTrust(
  context: Pick<CliContext, 'request' | 'progress'>,
  folder: TrustFolder,
): Promise<string[]> {
  const { root, targets: trusted } = await folder.verified();
  if (root.isDevelopment) context.progress(DEVELOPMENT_WARNING);
  const sent: string[] = [];
  const theirs = await documentOf(context, 'root');
  const theirVersion = theirs === null ? 0 : readRoot(theirs).version;
  for (const { version, text } of await folder.roots()) {
    // The same version is sent again when it differs, so that the server can say what is wrong with it.
    if (version < theirVersion || text === theirs) continue;
    await put(context, 'root', text);
    sent.push(`${version}.root.json`);
  }
  const targets = await folder.metadata('targets.json');
  if (targets !== (await documentOf(context, 'targets'))) {
    await put(context, 'targets', targets);
    sent.push('targets.json');
  }
  for (const model of trusted.models.keys()) {
    if (await publishModelRole(context, folder, trusted, model)) sent.push(`${modelRoleName(model)}.json`);
  }
  return sent;
}

/**
 * Sends `m.<model>` when it is newer than the server's and names no release that the server lacks: that one's files go
 * with `release publish`. Below its threshold it stays here, and it is said so.
 */
async function publishModelRole(
  context: Pick<CliContext, 'request' | 'progress'>,
  folder: TrustFolder,
  targets: TargetsRole,
  model: string,
): Promise<boolean> {
  const file = `${modelRoleName(model)}.json`;
  const [ours, theirs] = [await folder.metadataOrNull(file), await documentOf(context, modelRoleName(model))];
  if (ours === null || theirs === null) return false;
  const role = targets.models.get(model);
  if (role && !signingProgress(ours, role).isMet) {
    context.progress(
      `WARNING: ${file} is not signed as targets ask for: nothing of ${model} installs until ` +
        `\`ringfleet release renew ${model} --trust ${folder.path}\` is signed and published.`,
    );
    return false;
  }
  const published = readModelRole(theirs);
  const { version, releases } = verifyModelRole(targets, model, ours, null);
  const isThere = releases.every((one) => published.releases.some((known) => known.sha256 === one.sha256));
  if (version <= published.version || !isThere) return false;
  context.progress(`publishing ${file}`);
  await context.request('POST', 'releases', { metadata: ours });
  return true;
}

export const DEVELOPMENT_WARNING =
  'WARNING: this is a DEVELOPMENT root. One key of one person decides alone; do not use it for devices that matter.';

async function documentOf(context: Pick<CliContext, 'request'>, role: string): Promise<string | null> {
  return (await context.request('GET', `trust/${role}`, undefined, { as: 'text', expect: [404] })) as
    | string
    | null;
}

async function put(
  context: Pick<CliContext, 'request' | 'progress'>,
  role: string,
  text: string,
): Promise<void> {
  context.progress(`publishing ${role}`);
  await context.request('PUT', `trust/${role}`, text, { contentType: 'application/json' });
}
