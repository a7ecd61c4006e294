import process from 'node:process';
import { CodedError } from '@ringfleet/shared/errors';
import { runClient } from './client.ts';

try {
  await runClient(process.argv.slice(2), Date.now());
} catch (err) {
  const code = err instanceof CodedError ? err.code : 'ERROR';
  process.stderr.write(`${code}: ${err instanceof Error ? err.message : String(err)}\n`);
  process.exitCode = 1;
}
