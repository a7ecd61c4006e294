#!/usr/bin/env node
import process from 'node:process';
import { CodedError, errorText } from '@ringfleet/shared/errors';
import { describeApi } from './api/openapi-document.ts';
import { exitCodeOf } from './cli/output.ts';
import { loadConfig } from './config.ts';
import { helpText, parseServerArguments } from './config-arguments.ts';
import { VERSION } from './config-version.ts';
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
