#!/usr/bin/env node
import process from 'node:process';
import { CodedError, errorText } from '@ringfleet/shared/errors';
import { describeApi } from './api/openapi-document.ts';
import { backUp, restore } from './backup/backup-command.ts';
import { exitCodeOf } from './cli/output.ts';
import { loadConfig } from './config.ts';
import { helpText, parseServerArguments } from './config-arguments.ts';
import { VERSION } from './config-version.ts';
import { doctor } from './doctor/doctor-command.ts';
import { runServer } from './main-server.ts';

try {
  const command = parseServerArguments(process.argv.slice(2));
  switch (command.verb) {
    case 'help':
      process.stdout.write(helpText());
      break;
    case 'version':
      process.stdout.write(`${VERSION}\n`);
      break;
    case 'openapi':
      process.stdout.write(`${JSON.stringify(await describeApi(), null, 2)}\n`);
      break;
    case 'check':
      loadConfig(command, process.env);
      process.stdout.write('The configuration is valid.\n');
      break;
    case 'backup':
    case 'restore': {
      const { fleet, dataDir } = loadConfig(command, process.env);
      const what = { folder: command.folder, dataDir, fleet, version: VERSION };
      await (command.verb === 'backup' ? backUp(what) : restore(what, command.isReplacing));
      break;
    }
    case 'doctor':
      process.exitCode = await doctor(command, process.env);
      break;
    case 'run':
      await runServer(loadConfig(command, process.env));
  }
} catch (err) {
  if (!(err instanceof CodedError)) throw err;
  process.stderr.write(errorText(err));
  process.exitCode = exitCodeOf(err);
  // Whatever was opened before the failure must not keep the process.
  setTimeout(() => process.exit(), 1_000).unref();
}
