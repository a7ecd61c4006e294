import { lookUpCode } from '@ringfleet/shared/errors';
import type { DesiredModel } from './desired.ts';
import type { Device, DeviceModel, Rollout } from './domain.ts';
import { classOfFailure, type Standing, standingOf } from './rollout/standing.ts';
import { clause } from './wording.ts';

export type BlockedCode =
  | 'DEVICE_REVOKED'
  | 'DEVICE_DECOMMISSIONED'
  | 'CLONED_DEVICE'
  | 'OFFLINE'
  | 'OFFERED'
  | 'DOWNLOADING'
  | 'VERIFYING'
  | 'PREFLIGHT'
  | 'READY'
  | 'SHADOW'
  | 'ACTIVATING'
  | 'SOAKING'
  | 'ROLLING_BACK'
  | 'REMOVING'
  | 'WAITING_FOR_HEARTBEAT'
  | 'INCOMPATIBLE'
  | `FAILED_${string}`
  | 'HELD_AT_DEVICE'
  | 'HELD_BY_SERVER'
  | 'WINDOW_CLOSED'
  | 'WAITING'
  | 'WAITING_FOR_RING'
  | 'ROLLOUT_PAUSED'
  | 'ROLLOUT_HALTED';

/** Why a device is not where it should be, and what would bring it there. */
export interface BlockedBy {
  readonly code: BlockedCode;
  readonly sentence: string;
  /** When it goes on by itself, where that is known. */
  readonly untilMs?: number;
}

/** One model on one device, with what is wanted of it. */
export interface BlockedQuestion {
  readonly device: Pick<Device, 'id' | 'status' | 'isConnected' | 'hold'>;
  readonly ring: string | null;
  readonly model: string;
  readonly desired: DesiredModel | null;
  readonly state: DeviceModel | undefined;
  /** The newest rollout of the model. */
  readonly rollout: Rollout | null;
}

/** Exactly one code and sentence for every device that is not where it should be; null for all others. */
export function blockedBy(question: BlockedQuestion): BlockedBy | null {
  const { device, desired, state } = question;
  if (!desired && !state?.running) return null;
  if (device.status === 'revoked')
    return say('DEVICE_REVOKED', 'The device was revoked; it gets nothing until it is enrolled again.');
  if (device.status === 'decommissioned')
    return say('DEVICE_DECOMMISSIONED', 'The device was taken out of the fleet; it gets nothing any more.');
  if (device.status === 'cloned')
    return say(
      'CLONED_DEVICE',
      'Two agents use this identity; stop the copy and enroll it as its own device.',
    );
  if (!desired)
    return device.isConnected
      ? say('REMOVING', 'No ring assigns this model any more; the device takes it away.')
      : say('OFFLINE', 'The device is offline; it takes the model away on its next contact.');
  const standing = standingOf(state, desired);
  if (standing === 'proven') return waitingForRollout(question);
  return settled(question, desired, standing) ?? onItsWay(question, desired, standing);
}

function settled({ state }: BlockedQuestion, desired: DesiredModel, standing: Standing): BlockedBy | null {
  const failure = state?.failure;
  if (!failure) return null;
  const why = `${failure.code} (${clause(failure.reason)})`;
  switch (standing) {
    case 'incompatible':
      return say(
        'INCOMPATIBLE',
        `The device cannot run ${desired.version}: ${why}.${remedyOf(failure.code)}`,
      );
    case 'failed':
    case 'regressed':
    case 'infra':
      return say(
        `FAILED_${classOfFailure(failure.code)}`,
        `${desired.version} failed on the device in ${failure.phase}: ${why}. It tries again when the attempt is raised.${remedyOf(failure.code)}`,
      );
    default:
      return null;
  }
}

function onItsWay({ device, state }: BlockedQuestion, desired: DesiredModel, standing: Standing): BlockedBy {
  const { version } = desired;
  if (!device.isConnected)
    return say('OFFLINE', `The device is offline; it takes ${version} up on its next contact.`);
  if (standing === 'committed')
    return say('WAITING_FOR_HEARTBEAT', `The device committed ${version}; its next heartbeat proves it.`);
  if (standing === 'soaking') return say('SOAKING', `${version} answers requests and is being watched.`);
  if (standing === 'regressed') return say('ROLLING_BACK', `${version} is being taken back.`);
  const waiting = waitingFor(device, state, desired);
  if (waiting) return waiting;
  if (standing === 'unreached')
    return say('OFFERED', `The device is connected and has not answered to ${version} yet.`);
  switch (state?.phase) {
    case 'downloading':
      return say('DOWNLOADING', `The device downloads ${version}.`);
    case 'verifying':
      return say('VERIFYING', `The device checks every digest of ${version}.`);
    case 'preflight':
      return say('PREFLIGHT', `The device tries ${version} on its samples before it may answer.`);
    case 'ready':
      return say('READY', `${version} is on the device and waits for its turn.`);
    case 'shadow':
      return say('SHADOW', `${version} sees live requests beside the active release and answers nobody.`);
    case 'activating':
      return say('ACTIVATING', `The device switches over to ${version}.`);
    default:
      return say('OFFERED', `The device has been offered ${version}.`);
  }
}

/** What the device says that it waits for, and what would end that. */
function waitingFor(
  { hold }: BlockedQuestion['device'],
  state: DeviceModel | undefined,
  { version, digest }: DesiredModel,
): BlockedBy | null {
  const waiting = state?.candidate?.digest === digest ? state.waiting : null;
  const isServers = waiting ? waiting.code === 'HELD_BY_SERVER' : hold !== undefined && hold !== null;
  if (isServers) {
    const who = hold
      ? `${hold.by} holds this device (${clause(hold.reason)}); it goes on after \`ringfleet device release\``
      : 'its ring is assigned with a hold; it goes on when the ring is assigned without one';
    return say('HELD_BY_SERVER', `${version} waits: ${who}.`);
  }
  if (!waiting) return null;
  const { code, reason, until } = waiting;
  const end = code === 'HELD_AT_DEVICE' ? ' It goes on after `ringfleet-agent release` there.' : '';
  const known = WAITING_CODES.find((one) => one === code) ?? 'WAITING';
  const blocked = say(known, `${clause(reason)}.${end}`);
  return until === undefined ? blocked : { ...blocked, untilMs: until };
}

const WAITING_CODES = ['HELD_AT_DEVICE', 'WINDOW_CLOSED'] as const;

/** The device runs what its ring is assigned; a rollout on its way to that ring may still want something else of it. */
function waitingForRollout({ ring, desired, rollout }: BlockedQuestion): BlockedBy | null {
  if (!rollout || rollout.digest === desired?.digest) return null;
  const planned = rollout.rings.find((candidate) => candidate.plan.ring === ring);
  if (planned?.state !== 'waiting') return null;
  const { version, reason } = rollout;
  const why = clause(reason ?? 'no reason was recorded');
  switch (rollout.state) {
    case 'running': {
      const before = rollout.rings.find((candidate) => candidate.state !== 'passed')?.plan.ring;
      return say(
        'WAITING_FOR_RING',
        `${version} reaches ring ${ring} when ring ${before} has passed its gate.`,
      );
    }
    case 'paused':
      return say('ROLLOUT_PAUSED', `The rollout of ${version} is paused before this ring: ${why}.`);
    case 'halted':
      return say('ROLLOUT_HALTED', `The rollout of ${version} was stopped before this ring: ${why}.`);
    default:
      return null;
  }
}

const remedyOf = (code: string): string => {
  const remedy = lookUpCode(code)?.remedy;
  return remedy ? ` ${remedy}` : '';
};

const say = (code: BlockedCode, sentence: string): BlockedBy => ({ code, sentence });
