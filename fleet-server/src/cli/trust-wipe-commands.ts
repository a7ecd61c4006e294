import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CodedError } from '@ringfleet/shared/errors';
import { Id } from '@ringfleet/shared/protocol';
import {
  addSignature,
  buildWipeOrder,
  MAX_WIPE_MS,
  readWipeOrder,
  signDocument,
  signingProgress,
  type WipeOrder,
} from '@ringfleet/shared/trust';
import type { Command } from 'commander';
import { Check } from 'typebox/value';
import { writeDurably } from '../adapters/write-durably.ts';
import type { CliContext } from './context.ts';
import { passphraseOf } from './passphrase.ts';
import { TrustFolder } from './trust-folder.ts';
import { openSigner } from './trust-key.ts';
import { DIR, expiresAt, PASSPHRASE } from './trust-options.ts';
import { type SigningFlags, signingLines } from './trust-signing.ts';

interface OrderFlags extends SigningFlags {
  readonly dir: string;
  readonly fleet: string;
  readonly device: readonly string[];
  readonly expires: string;
  readonly reason: string;
  readonly out?: string;
}

/** `ringfleet trust wipe order|sign`: an order to erase devices, made and signed without a network. */
export function registerWipe(trust: Command, context: () => CliContext): void {
  const wipe = trust.command('wipe').description('Orders to erase devices, signed by the targets role.');
  wipe
    .command('order')
    .description('write an order that the named devices carry out once; others may sign it too')
    .requiredOption(...DIR)
    .requiredOption('--fleet <name>', 'the fleet of the devices')
    .requiredOption('--device <id...>', 'whom it erases')
    .option('--expires <duration>', 'until when devices take it, at most 90d', '7d')
    .option('--reason <text>', 'why; stands in the order', '')
    .option('--out <file>', 'else wipe-ORDER.json here')
    .requiredOption('--key <file>', 'a NAME.key.json of the targets role')
    .option(...PASSPHRASE)
    .action(async (flags: OrderFlags & { key: string }) => {
      const cli = context();
      const order = orderOf(flags);
      for (const line of describe(order)) cli.progress(line);
      const unsigned = signDocument(buildWipeOrder(order), []);
      const signer = await openSigner(flags.key, await passphraseOf(cli, flags));
      const text = addSignature(unsigned, signer);
      const folder = new TrustFolder(flags.dir);
      const { root } = await folder.newestRoot();
      const { targets } = root.roles;
      if (!targets.keys.has(signer.keyid)) {
        throw new CodedError('KEY_UNKNOWN', `${flags.key} is no key of the targets role`, { at: '--key' });
      }
      const progress = signingProgress(text, targets);
      const path = flags.out ?? `wipe-${order.order}.json`;
      if (!cli.dryRun) await writeDurably(path, text, 0o644);
      const lines = signingLines({ demands: [{ what: 'targets', ...progress }] }, await folder.keyNames());
      const next = progress.isMet
        ? `Next: ringfleet device decommission ID --wipe ${path}`
        : `Next: each signer runs  ringfleet trust wipe sign ${path} --key KEYFILE`;
      cli.print({ order, path, ...progress }, [...lines, next].join('\n'));
    });
  wipe
    .command('sign <order>')
    .description('add one signature to an order')
    .requiredOption('--key <file>', 'your NAME.key.json')
    .option(...PASSPHRASE)
    .action(async (path: string, flags: SigningFlags & { key: string }) => {
      const cli = context();
      const text = await readOrderFile(path);
      const order = readWipeOrder(text);
      for (const line of ['You are about to sign:', ...describe(order)]) cli.progress(line);
      const signer = await openSigner(flags.key, await passphraseOf(cli, flags));
      if (!cli.dryRun) await writeDurably(path, addSignature(text, signer), 0o644);
      cli.print({ order, path, signedBy: signer.keyid }, `Signed with ${signer.keyid.slice(0, 16)}.`);
    });
}

/** Throws FILE_UNREADABLE. */
export const readOrderFile = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CodedError('FILE_UNREADABLE', path, { cause });
  });

function orderOf({ fleet, device, expires, reason }: OrderFlags): WipeOrder {
  for (const id of [fleet, ...device]) {
    if (!Check(Id, id))
      throw new CodedError('USAGE_INVALID', `${JSON.stringify(id)} is no name of a device or fleet`);
  }
  const until = expiresAt(expires);
  const issuedAt = Date.now();
  if (until - issuedAt > MAX_WIPE_MS)
    throw new CodedError('USAGE_INVALID', 'an order lasts at most 90d', { at: '--expires' });
  return { order: randomUUID(), fleet, devices: [...new Set(device)], issuedAt, expires: until, reason };
}

const describe = ({ order, fleet, devices, expires, reason }: WipeOrder): readonly string[] => [
  `  WIPE of ${devices.length} device${devices.length === 1 ? '' : 's'} of fleet ${fleet}: ${devices.join(', ')}`,
  `  order ${order}, until ${new Date(expires).toISOString()}${reason === '' ? '' : `, because: ${reason}`}`,
  '  They erase models, reports, key and identity, and stop. There is no way back.',
];
