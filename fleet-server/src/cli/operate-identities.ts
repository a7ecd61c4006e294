import type { Command } from 'commander';
import type { DeviceView } from '../core/device-view.ts';
import type { CliContext } from './context.ts';
import { durationOption } from './operate-arguments.ts';
import { readOrderFile } from './trust-wipe-commands.ts';

/** `device revoke | decommission | replace | reset-clone`: the end of an identity, and its handing over. */
export function registerIdentityCommands(device: Command, context: () => CliContext): void {
  device
    .command('revoke')
    .argument('<id>')
    .description('revoke its certificates and cut its connections now')
    .option('--reason <text>', 'why, for the audit log', '')
    .action(async (id: string, { reason }: { reason: string }) => {
      const cli = context();
      const done = (await cli.request('POST', pathOf(id, 'revoke'), { reason })) as DeviceView;
      cli.print(done, `${id} is revoked; its connections are cut.`);
    });

  device
    .command('decommission')
    .argument('<id>')
    .description('take a device out of the fleet for good; its history stays')
    .option('--reason <text>', 'why, for the audit log', '')
    .option('--wipe <order>', 'pass on a signed order to erase it first (`ringfleet trust wipe order`)')
    .action(async (id: string, { reason, wipe }: { reason: string; wipe?: string }) => {
      const cli = context();
      const order = wipe === undefined ? {} : { wipe: await readOrderFile(wipe) };
      await cli.confirm(
        wipe === undefined
          ? `Take ${id} out of the fleet for good?`
          : `Erase ${id}, now or at its next contact? There is no way back.`,
      );
      const body = { reason, ...order };
      if (wipe !== undefined) {
        const ordered = (await cli.request('POST', pathOf(id, 'decommission'), body)) as DeviceView;
        const when = ordered.isConnected
          ? 'is connected and erases itself now'
          : 'erases itself at its next contact';
        cli.print(ordered, `The order waits for ${id}: it ${when}, and is out then.`);
        return;
      }
      const done = (await cli.request('POST', pathOf(id, 'decommission'), body)) as DeviceView;
      cli.print(
        done,
        `${id} is decommissioned. To erase models and identity there, run \`ringfleet-agent reset\` at the device.`,
      );
    });

  for (const [verb, revokeNow, description] of [
    [
      'replace',
      false,
      'print a token with which a new board takes over its history; the old one is revoked then',
    ],
    ['reset-clone', true, 'the same for a copied identity: every certificate of it is revoked at once'],
  ] as const) {
    device
      .command(verb)
      .argument('<id>')
      .description(description)
      .option('--expires <duration>', 'how long the token admits it', '24h')
      .action(async (id: string, { expires }: { expires: string }) => {
        const cli = context();
        if (revokeNow) await cli.confirm(`Revoke every certificate of ${id} now?`);
        const body = { revokeNow, expiresInMs: durationOption('--expires', expires) };
        const made = (await cli.request('POST', pathOf(id, 'replace'), body)) as { token: string };
        cli.print(made, made.token);
      });
  }
}

const pathOf = (id: string, verb: string): string => `devices/${encodeURIComponent(id)}/${verb}`;
