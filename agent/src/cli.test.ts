import { CodedError } from '@ringfleet/shared/errors';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, explain, parseCli } from './cli.ts';

const usage = expect.objectContaining({ code: 'USAGE_INVALID' });

describe('the command line', () => {
  it('takes the state folder from the flag, then from systemd, then the usual place', () => {
    expect(parseCli(['run', '--state-dir', '/a'], { STATE_DIRECTORY: '/b' })).toMatchObject({
      stateDir: '/a',
    });
    expect(parseCli(['run'], { STATE_DIRECTORY: '/b:/c' })).toMatchObject({ stateDir: '/b' });
    expect(parseCli(['status', '--json'], {})).toMatchObject({
      stateDir: '/var/lib/ringfleet-agent',
      isJson: true,
    });
  });

  it('refuses what it does not know', () => {
    expect(() => parseCli(['dance'], {})).toThrow(usage);
    expect(() => parseCli(['run', '--fast'], {})).toThrow(usage);
    expect(() => parseCli(['run', 'now'], {})).toThrow(usage);
    expect(() => parseCli(['enroll'], {})).toThrow(usage);
    expect(() => parseCli(['enroll', '--token-file', 'x', '--id', 'a.b'], {})).toThrow(usage);
  });

  it('leaves the options of serve to serve', () => {
    expect(parseCli(['serve', '--port', '0', 'x.onnx'], {})).toEqual({
      verb: 'serve',
      args: ['--port', '0', 'x.onnx'],
    });
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
