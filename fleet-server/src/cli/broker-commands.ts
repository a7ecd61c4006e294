import { CodedError } from '@ringfleet/shared/errors';
import { mosquittoAcl } from '../core/broker-acl.ts';
import type { RegisterCommands } from './context.ts';

/** `broker acl mosquitto`: the topic rules for a broker that is not the embedded one. */
export const registerBrokerCommands: RegisterCommands = (program, context) => {
  program
    .command('broker')
    .description('rules for an external MQTT broker')
    .command('acl')
    .argument('<kind>', 'mosquitto')
    .option('--fleet <name>', 'without it the server is asked')
    .description('print the topic rules of devices as the broker reads them')
    .action(async (kind: string, flags: { fleet?: string }) => {
      const cli = context();
      if (kind !== 'mosquitto') {
        throw new CodedError('USAGE_INVALID', `"${kind}" is not a kind of broker; there is: mosquitto`);
      }
      const fleet = flags.fleet ?? ((await cli.request('GET', 'overview')) as { fleet: string }).fleet;
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(fleet))
        throw new CodedError('USAGE_INVALID', '--fleet is no fleet name');
      const acl = mosquittoAcl(fleet);
      cli.print({ fleet, acl }, acl.trimEnd());
    });
};
