import { fileURLToPath } from 'node:url';
import { installService } from '../service-install.ts';
import { readOptions } from './arguments.ts';
import type { Verb } from './verb.ts';

export const INSTALL: Verb = {
  name: 'install',
  help: [['install', 'from an unpacked tarball: make this the service of the device']],
  async run(args, { print }) {
    readOptions(args, {});
    print(`${await installService(fileURLToPath(import.meta.url))}\n`);
    return 0;
  },
};
