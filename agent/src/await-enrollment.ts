import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { Logger } from 'pino';
import { isEnrolled } from './adapters/identity.ts';
import { backoffMs } from './core/backoff.ts';
import { isNoContact } from './core/contact.ts';
import { enrollDevice } from './enroll-device.ts';
import type { Clock } from './ports/clock.ts';

/** The credential of the unit that admits this device (systemd's LoadCredential). */
const TOKEN_CREDENTIAL = 'enrollment-token';
const LOOK_MS = 2_000;
const RETRY = { baseMs: 5_000, maxMs: 300_000 };
const HELP = 'not enrolled: run `ringfleet-agent enroll --token-file FILE`';

export interface AwaitEnrollmentOptions {
  readonly stateDir: string;
  readonly config?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** What a person should know while it waits. */
  readonly say: (status: string) => void;
}

/**
 * Resolves when this device has an identity: at once, by the token that came with the service, or when a person enrolls
 * it. So the service can be installed and enabled first, and a disk image can carry a token.
 */
export async function awaitEnrollment(options: AwaitEnrollmentOptions, signal: AbortSignal): Promise<void> {
  const { stateDir, clock, log, say } = options;
  const token = await readCredential(options.env);
  const look = () => clock.sleep(LOOK_MS, signal);
  let isTokenGood = token !== null;
  let [tries, nextTryMs] = [0, clock.nowMs()];
  if (!(await isEnrolled(stateDir)) && !isTokenGood) say(HELP);
  while (!signal.aborted && !(await isEnrolled(stateDir))) {
    if (token !== null && isTokenGood && clock.nowMs() >= nextTryMs) {
      say('enrolling with the token of the service');
      const failure = await tryToEnroll(token, options);
      isTokenGood = failure === null || failure.isWorthATry;
      tries += 1;
      nextTryMs = clock.nowMs() + backoffMs(tries, clock.random(), RETRY);
      if (failure) {
        log.warn({ component: 'enroll', code: failure.code, err: failure.err }, 'not enrolled');
        say(isTokenGood ? `not enrolled yet: ${failure.code}` : `${HELP} (its token: ${failure.code})`);
      }
      continue;
    }
    await look();
  }
}

interface Failure {
  readonly code: string;
  readonly err: unknown;
  readonly isWorthATry: boolean;
}

async function tryToEnroll(token: string, options: AwaitEnrollmentOptions): Promise<Failure | null> {
  const { say, log } = options;
  try {
    const { device, fleet } = await enrollDevice({
      ...options,
      token,
      onPending: ({ device, code }) =>
        say(`waiting for approval: \`ringfleet device approve ${device} --code ${code}\``),
    });
    log.info({ component: 'enroll', device, fleet }, 'enrolled');
    return null;
  } catch (err) {
    const code = err instanceof CodedError ? err.code : 'AGENT_INTERNAL';
    return { code, err, isWorthATry: isNoContact(code) || code === 'APPROVAL_TIMEOUT' };
  }
}

async function readCredential(env: AwaitEnrollmentOptions['env']): Promise<string | null> {
  const folder = env['CREDENTIALS_DIRECTORY'];
  if (!folder) return null;
  const text = await readFile(join(folder, TOKEN_CREDENTIAL), 'utf8').catch(() => '');
  // The unit has a word in place of a token that is not there.
  return text.trim() === 'none' || text.trim() === '' ? null : text;
}
