import type { Command } from 'commander';
import type { DeviceView } from '../core/device-view.ts';
import type { CliContext } from './context.ts';

/** `device hold | release`: leaving a device as it is, and letting it go on. */
export function registerHoldCommands(device: Command, context: () => CliContext): void {
  device
    .command('hold')
    .argument('<id>')
    .description('nothing new starts or goes live there until `device release`; rollbacks still do')
    .requiredOption('--reason <text>', 'why, for whoever wonders')
    .action(async (id: string, { reason }: { reason: string }) => {
      const cli = context();
      const held = (await cli.request('POST', pathOf(id, 'hold'), { reason })) as DeviceView;
      cli.print(held, `${id} is held: ${reason}. ${whenWords(held)}`);
    });

  device
    .command('release')
    .argument('<id>')
    .description('take the hold back')
    .action(async (id: string) => {
      const cli = context();
      const released = (await cli.request('POST', pathOf(id, 'release'), {})) as DeviceView;
      cli.print(released, `Updates of ${id} go on. ${whenWords(released)}`);
    });
}

const whenWords = ({ isConnected }: DeviceView): string =>
  isConnected ? 'It is connected and hears of it now.' : 'It is offline and hears of it on its next contact.';

const pathOf = (id: string, verb: string): string => `devices/${encodeURIComponent(id)}/${verb}`;
