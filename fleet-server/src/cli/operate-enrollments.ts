import type { Command } from 'commander';
import type { PendingEnrollment } from '../ports/pending-store.ts';
import type { RefusedContact } from '../ports/refusal-store.ts';
import type { CliContext } from './context.ts';
import { allItems } from './operate-arguments.ts';
import { table } from './output.ts';

/** `device pending | approve | reject | refused`. */
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
    .command('refused')
    .description('who was refused at the doors of the devices, why, and what would help')
    .action(async () => {
      const cli = context();
      const found = await allItems<RefusedContact & { readonly remedy: string }>(cli, 'refused');
      const rows = found.map(({ lastAtMs, address, device: id, serial, code, count, remedy }) => [
        new Date(lastAtMs).toISOString(),
        address,
        id ?? '-',
        serial ?? '-',
        code,
        String(count),
        remedy,
      ]);
      const text = table(['LAST', 'ADDRESS', 'DEVICE', 'SERIAL', 'REASON', 'TIMES', 'REMEDY'], rows);
      cli.print(found, found.length === 0 ? 'Nobody was refused.' : text);
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
