import { spawn, spawnSync } from 'node:child_process';
import { CodedError } from '@ringfleet/shared/errors';
import { readOptions } from './arguments.ts';
import type { Verb } from './verb.ts';

const UNITS = ['--unit=ringfleet-agent', '--unit=ringfleet-runner-*'];

/** The service's log is the journal's: nothing is kept twice on a card that wears out. */
export const LOGS: Verb = {
  name: 'logs',
  help: [
    ['logs [--follow] [--since TIME] [--lines N] [--json]', ''],
    ['', 'what the service and its runners said'],
  ],
  async run(args) {
    const options = readOptions(args, {
      follow: { type: 'boolean', short: 'f' },
      since: { type: 'string' },
      lines: { type: 'string', short: 'n' },
      json: { type: 'boolean' },
    });
    if (options.lines !== undefined && !/^\d{1,7}$/.test(options.lines)) {
      throw new CodedError('USAGE_INVALID', '--lines must be a number', { at: '--lines' });
    }
    if (spawnSync('journalctl', ['--version']).status !== 0) {
      throw new CodedError('JOURNAL_MISSING', 'journalctl cannot be run here');
    }
    const child = spawn(
      'journalctl',
      [
        ...UNITS,
        '--no-pager',
        ...(options.follow ? ['--follow'] : []),
        ...(options.since ? ['--since', options.since] : []),
        ...(options.lines || !options.since ? ['--lines', options.lines ?? '100'] : []),
        ...(options.json ? ['--output=json'] : []),
      ],
      { stdio: 'inherit' },
    );
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(signal === 'SIGINT' ? 130 : (code ?? 1)));
    });
  },
};
