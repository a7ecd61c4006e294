import type { Command } from 'commander';
import type { PendingEnrollment } from '../ports/pending-store.ts';
import type { CliContext } from './context.ts';
import { allItems } from './operate-arguments.ts';
import { table } from './output.ts';

/** `device pending | approve | reject`. */
export function registerEnrollmentCommands(device: Command, context: () => CliContext): void {
  device
    .command('pending')
    .description('devices that wait for approval, with the code that each of them shows')
    .action(async () => {
      const cli = context();
      const waiting = await allItems<PendingEnrollment>(cli, 'enrollments');
      const rows = waiting.map(({ id, code, address, capabilities, requestedAtMs }) => [
        id,
        code,
        capabilities?.hostname ?? '-',
        address ?? '-',
        new Date(requestedAtMs).toISOString(),
      ]);
      const text = table(['DEVICE', 'CODE', 'HOST', 'ADDRESS', 'ASKED'], rows);
      cli.print(waiting, waiting.length === 0 ? 'No device waits for approval.' : text);
    });

  device
    .command('approve')
    .argument('<id>')
    .requiredOption('--code <code>', 'the eight characters that the device itself shows')
    .description('admit a device that waits')
    .action(async (id: string, { code }: { code: string }) => {
      const cli = context();
      const done = await cli.request('POST', `enrollments/${encodeURIComponent(id)}/approve`, { code });
      cli.print(done, `${id} is approved; it fetches its certificate within seconds.`);
    });

  device
    .command('reject')
    .argument('<id>')
    .description('do not admit a device that waits')
    .action(async (id: string) => {
      const cli = context();
      const done = await cli.request('POST', `enrollments/${encodeURIComponent(id)}/reject`);
      cli.print(done, `${id} is not admitted.`);
    });
}
