import type { Command } from 'commander';
import type { DeviceView } from '../core/device-view.ts';
import type { CliContext } from './context.ts';

/** `device revoke | decommission`: the end of an identity. */
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
    .option('--wipe', 'refused: a wipe needs `ringfleet-agent reset` at the device')
    .action(async (id: string, { reason, wipe }: { reason: string; wipe?: boolean }) => {
      const cli = context();
      await cli.confirm(`Take ${id} out of the fleet for good?`);
      const body = { reason, ...(wipe ? { wipe } : {}) };
      const done = (await cli.request('POST', pathOf(id, 'decommission'), body)) as DeviceView;
      cli.print(
        done,
        `${id} is decommissioned. To erase models and identity there, run \`ringfleet-agent reset\` at the device.`,
      );
    });
}

const pathOf = (id: string, verb: string): string => `devices/${encodeURIComponent(id)}/${verb}`;
