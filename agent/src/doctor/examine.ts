import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Check,
  type Diagnosis,
  diagnose,
  failed,
  ok,
  skipped,
  warning,
} from '@ringfleet/shared/diagnosis';
import { CodedError, lookUpCode } from '@ringfleet/shared/errors';
import { checkerOf } from '@ringfleet/shared/protocol';
import type { Logger } from 'pino';
import { Type } from 'typebox';
import { readToken, readTokenFile } from '../adapters/enroll.ts';
import { readIdentity } from '../adapters/identity.ts';
import { hostOf } from '../adapters/pinned-tls.ts';
import { probeProviders } from '../adapters/provider-probe.ts';
import { proxyChoice } from '../adapters/proxy-choice.ts';
import { runFolderOf } from '../adapters/run-folder.ts';
import { type AgentConfig, DEFAULTS, readConfig } from '../config.ts';
import { askStatus } from '../supervisor/control-server.ts';
import { checkClock, checkDisk, checkMemory, checkPermissions, checkProviders } from './device-checks.ts';
import {
  checkBroker,
  checkDns,
  checkProxy,
  checkTls,
  type Expected,
  serverTimeMs,
} from './network-checks.ts';

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
  const { check: enrolled, expected: known } = await whom(options, config);
  const reached = known && { ...known, proxyFor: proxyChoice(config.server.proxy, env) };
  const serverMs = reached ? await serverTimeMs(reached) : null;
  // The agent asks for signed time; here it is enough to tell a wrong clock from a wrong certificate.
  const expected = reached && { ...reached, nowMs: serverMs ?? Date.now() };
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
      ...(await checkService(join(runFolderOf(stateDir, env), 'control.sock'))),
      enrolled,
      ...(expected
        ? [
            await checkDns(expected),
            ...(await checkProxy(expected)),
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

async function whom(
  options: ExamineOptions,
  { server }: AgentConfig,
): Promise<{ check: Check; expected: Expected | null }> {
  const { stateDir, tokenFile } = options;
  try {
    const { device, fleet, apiUrl, mqttUrl, caPem, keyPem, certificatePem, notAfter } =
      await readIdentity(stateDir);
    const caPin = `sha256:${createHash('sha256').update(new X509Certificate(caPem).raw).digest('hex')}`;
    const until = new Date(notAfter).toISOString().slice(0, 10);
    return {
      check: ok('identity', `${device} of fleet ${fleet}, certificate until ${until}`),
      expected: {
        apiUrl: server.apiUrl ?? apiUrl,
        mqttUrl: server.mqttUrl ?? mqttUrl,
        host: hostOf(new URL(apiUrl)),
        caPin,
        client: { keyPem, certificatePem },
      },
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
  if (tokenFile === undefined) {
    const remedy = 'ringfleet-agent enroll --token-file FILE, with a token of `ringfleet token create`';
    return { check: warning('identity', 'not enrolled yet', remedy), expected: null };
  }
  const { url, caPin } = readToken(await readTokenFile(tokenFile));
  return {
    check: skipped('identity', `not enrolled yet; the token is for ${url}`),
    expected: { apiUrl: url, caPin },
  };
}

/** Whether the agent runs, and what it says about its server: it may have met what a look now does not meet. */
const checkService = (control: string): Promise<readonly Check[]> =>
  askStatus(control).then(
    (status) => [serviceOf(status), ...linkOf(status)],
    () => [
      skipped('service', 'not running, or not enrolled yet: `systemctl status ringfleet-agent` says which'),
    ],
  );

function serviceOf(status: unknown): Check {
  const { disk } = checkLink(status);
  if (!disk) return ok('service', 'running');
  const remedy = lookUpCode('STATE_NOT_WRITABLE')?.remedy ?? '';
  return failed('service', `running, but the disk takes none of its writes: ${disk.message}`, remedy);
}

function linkOf(status: unknown): readonly Check[] {
  const { isConnected, via, network } = checkLink(status);
  if (isConnected) return [ok('link', `the agent is connected over ${via === 'wss' ? 'WebSocket' : 'MQTT'}`)];
  const why = network ? `${network.message} (${network.code})` : 'it has just begun to try';
  const remedy = (network && lookUpCode(network.code)?.remedy) ?? 'look again in a minute';
  const how = via === 'https' ? 'is connected by HTTP only' : 'is not connected';
  return [warning('link', `the agent ${how}: ${why}`, remedy)];
}

const Link = Type.Object({
  disk: Type.Optional(Type.Union([Type.Object({ message: Type.String() }), Type.Null()])),
  isConnected: Type.Boolean(),
  via: Type.Union([Type.String(), Type.Null()]),
  network: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
});
const checkLink = checkerOf(Link, 'status', 'AGENT_NOT_RUNNING');
