import { CodedError } from '@ringfleet/shared/errors';
import { uninstallService } from '../service-install.ts';
import { readOptions } from './arguments.ts';
import type { Verb } from './verb.ts';

export const UNINSTALL: Verb = {
  name: 'uninstall',
  help: [['uninstall [--purge] --yes', 'the reverse; --purge erases the state, too']],
  async run(args, { print }) {
    const options = readOptions(args, { purge: { type: 'boolean' }, yes: { type: 'boolean' } });
    if (!options.yes) throw new CodedError('USAGE_INVALID', 'uninstall ends the service; add --yes to do it');
    print(`${uninstallService(options.purge === true)}\n`);
    return 0;
  },
};
