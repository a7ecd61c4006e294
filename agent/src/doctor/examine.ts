import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Check, type Diagnosis, diagnose, failed, ok, skipped } from '@ringfleet/shared/diagnosis';
import { CodedError } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { readToken, readTokenFile } from '../adapters/enroll.ts';
import { readIdentity } from '../adapters/identity.ts';
import { probeProviders } from '../adapters/provider-probe.ts';
import { runFolderOf } from '../adapters/run-folder.ts';
import { DEFAULTS, readConfig } from '../config.ts';
import { askStatus } from '../supervisor/control-server.ts';
import { checkClock, checkDisk, checkMemory, checkPermissions, checkProviders } from './device-checks.ts';
import { checkBroker, checkDns, checkTls, type Expected, serverTimeMs } from './network-checks.ts';

export interface ExamineOptions {
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config?: string;
  /** Before enrollment: whom the device is to be enrolled with. */
  readonly tokenFile?: string;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** `ringfleet-agent doctor`: looks at everything that an agent needs, and changes nothing. */
export async function examine(options: ExamineOptions): Promise<Diagnosis> {
  const { stateDir, env, log } = options;
  const { check: configured, config } = checkConfig(options);
  const { check: enrolled, expected } = await whom(options);
  const serverMs = expected ? await serverTimeMs(expected.apiUrl) : null;
  const runDir = await mkdtemp(join(tmpdir(), 'ringfleet-doctor-'));
  try {
    const probed = await probeProviders({ runtime: config.runtime, runDir, log });
    return diagnose([
      configured,
      checkClock(Date.now(), serverMs),
      await checkDisk(stateDir, config.disk.reserveBytes),
      await checkMemory(),
      checkProviders(probed.providers, existsSync('/dev/dri')),
      await checkPermissions(stateDir),
      await checkService(join(runFolderOf(stateDir, env), 'control.sock')),
      enrolled,
      ...(expected
        ? [
            await checkDns(expected.apiUrl),
            await checkTls('tls', expected.apiUrl, expected),
            await checkBroker(expected),
          ]
        : [skipped('dns', 'no server is known yet: --token-file FILE names one')]),
    ]);
  } finally {
    await rm(runDir, { recursive: true, force: true });
  }
}

function checkConfig({ config, env }: ExamineOptions) {
  try {
    return { check: ok('config', 'valid'), config: readConfig(config, env) };
  } catch (err) {
    const saw = err instanceof Error ? err.message : String(err);
    return {
      check: failed('config', saw, 'correct it, then `systemctl restart ringfleet-agent`'),
      config: DEFAULTS,
    };
  }
}

async function whom(options: ExamineOptions): Promise<{ check: Check; expected: Expected | null }> {
  const { stateDir, tokenFile } = options;
  try {
    const { device, fleet, apiUrl, mqttUrl, caPem, keyPem, certificatePem, notAfter } =
      await readIdentity(stateDir);
    const caPin = `sha256:${createHash('sha256').update(new X509Certificate(caPem).raw).digest('hex')}`;
    const client = { key: keyPem, cert: certificatePem, ca: caPem };
    const until = new Date(notAfter).toISOString().slice(0, 10);
    return {
      check: ok('identity', `${device} of fleet ${fleet}, certificate until ${until}`),
      expected: { apiUrl, mqttUrl, caPin, client },
    };
  } catch (err) {
    if (!(err instanceof CodedError) || err.code !== 'NOT_ENROLLED') {
      const saw = err instanceof Error ? err.message : String(err);
      return {
        check: failed('identity', saw, 'ask the operator for `ringfleet device replace`'),
        expected: null,
      };
    }
  }
  if (tokenFile === undefined) return { check: skipped('identity', 'not enrolled yet'), expected: null };
  const { url, caPin } = readToken(await readTokenFile(tokenFile));
  return {
    check: skipped('identity', `not enrolled yet; the token is for ${url}`),
    expected: { apiUrl: url, caPin },
  };
}

const checkService = (control: string): Promise<Check> =>
  askStatus(control).then(
    () => ok('service', 'running'),
    () =>
      skipped('service', 'not running, or not enrolled yet: `systemctl status ringfleet-agent` says which'),
  );
