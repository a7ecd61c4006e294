import { CodedError } from '@ringfleet/shared/errors';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, explain, runCli } from './cli.ts';
import { stateDirOf } from './verbs/arguments.ts';

const usage = expect.objectContaining({ code: 'USAGE_INVALID' });

async function run(...args: readonly string[]): Promise<string> {
  let out = '';
  await runCli(args, {
    env: {},
    version: '9.9.9',
    print: (text) => {
      out += text;
    },
    complain: () => undefined,
    untilEnded: () => new AbortController().signal,
    makeLog: () => pino({ level: 'silent' }),
  });
  return out;
}

describe('the command line', () => {
  it('takes the state folder from the flag, then from systemd, then the usual place', () => {
    expect(stateDirOf('/a', { STATE_DIRECTORY: '/b' })).toBe('/a');
    expect(stateDirOf(undefined, { STATE_DIRECTORY: '/b:/c' })).toBe('/b');
    expect(stateDirOf(undefined, {})).toBe('/var/lib/ringfleet-agent');
  });

  it('sets what a verb does apart from how it is called', async () => {
    expect(await run('--help')).toMatch(/doctor .*\[--json\] {2,}looks|doctor .*\[--json\]\n {20,}looks/);
    expect(await run('--help')).not.toMatch(/^ {2}ringfleet-agent .*[\]A-Z](?=[a-z]{3})/m);
  });

  it('says of a device that waits for its enrollment what it waits for', async () => {
    await expect(run('status', '--state-dir', '/nonexistent')).rejects.toMatchObject({
      code: 'NOT_ENROLLED',
    });
  });

  it.each([
    [['dance']],
    [['run', '--fast']],
    [['run', 'now']],
    [['enroll']],
    [['enroll', '--token-file', 'x', '--id', 'a.b']],
    [['reset']],
  ])('refuses what it does not know: %j', async (args) => {
    await expect(run(...args)).rejects.toThrow(usage);
  });

  it('leaves the options of serve to serve', async () => {
    expect(await run('serve', '--help')).toContain('usage: ringfleet-agent serve');
  });

  it('helps with all verbs, or with one', async () => {
    expect(await run()).toMatch(/ringfleet-agent enroll .*[\s\S]*ringfleet-agent serve/);
    expect(await run('status', '--help')).not.toContain('ringfleet-agent enroll');
    expect(await run('--version')).toBe('9.9.9\n');
  });
});

describe('an error', () => {
  it('ends with the exit code of its kind', () => {
    const codes = (
      ['CONFIG_INVALID', 'PORT_IN_USE', 'CA_PIN_MISMATCH', 'SERVER_UNREACHABLE', 'STATE_DIR_IN_USE'] as const
    ).map((code) => exitCodeOf(new CodedError(code)));
    expect(codes).toEqual([2, 2, 3, 4, 5]);
    expect(exitCodeOf(new Error('bug'))).toBe(1);
  });

  it('is explained with its remedy and its code', () => {
    expect(explain(new CodedError('PORT_IN_USE', 'cannot listen at 127.0.0.1:8000'))).toMatch(
      /^Another program .+\. Cannot listen at 127.0.0.1:8000\.\n.+\nPORT_IN_USE\n$/,
    );
  });
});
