import type { Look } from '../design/badge.tsx';
import { texts } from '../texts.ts';
import type { Device, DeviceModel } from '../views.ts';

/** Phases in which a failed candidate had already answered requests. */
const LIVE_PHASES: ReadonlySet<string> = new Set(['activating', 'soaking', 'idle', 'rollingBack']);

const words = texts.devices;

/** The state of one model on one device, for a person: tone, icon and words. */
export function lookOf(model: DeviceModel): Look {
  const about = (text: string): string =>
    model.candidate ? words.moving(text, model.candidate.version) : text;
  switch (model.phase) {
    case 'offered':
      return { tone: 'moving', icon: 'clock', words: about(words.phases.offered) };
    case 'downloading':
      return { tone: 'moving', icon: 'download', words: about(words.phases.downloading) };
    case 'verifying':
      return { tone: 'moving', icon: 'search', words: about(words.phases.verifying) };
    case 'preflight':
      return { tone: 'moving', icon: 'probation', words: about(words.phases.preflight) };
    case 'ready':
      return { tone: 'moving', icon: 'clock', words: about(words.phases.ready) };
    case 'shadow':
      return { tone: 'moving', icon: 'layers', words: about(words.phases.shadow) };
    case 'activating':
      return { tone: 'moving', icon: 'moving', words: about(words.phases.activating) };
    case 'soaking':
      return { tone: 'moving', icon: 'probation', words: about(words.phases.soaking) };
    case 'rollingBack':
      return { tone: 'bad', icon: 'back', words: words.phases.rollingBack };
    case 'removing':
      return { tone: 'moving', icon: 'moving', words: words.phases.removing };
    case 'idle':
    case 'empty':
      return restingLook(model);
    default:
      // A newer server may know a phase that this page does not.
      return { tone: 'quiet', icon: 'dot', words: words.phases.unknown(model.phase) };
  }
}

function restingLook(model: DeviceModel): Look {
  if (model.failure && model.candidate) {
    const { version } = model.candidate;
    return LIVE_PHASES.has(model.failure.phase)
      ? { tone: 'bad', icon: 'back', words: words.cameBack(version) }
      : { tone: 'bad', icon: 'failed', words: words.refused(version) };
  }
  if (!model.running) return { tone: 'quiet', icon: 'ring', words: words.idleEmpty };
  if (model.isUnexercised) return { tone: 'warn', icon: 'warning', words: words.unexercised };
  return model.isProven
    ? { tone: 'ok', icon: 'proven', words: words.proven }
    : { tone: 'ok', icon: 'check', words: words.committed };
}

/** The second line under the state: why a candidate was given up. */
export function failureOf(model: DeviceModel): { reason: string; code: string } | null {
  return model.failure ? { reason: model.failure.reason, code: model.failure.code } : null;
}

/** Whether a device can be talked to, and whether it is one device at all. */
export function connectionLook(device: Device): Look {
  if (device.status === 'cloned') return { tone: 'bad', icon: 'warning', words: words.cloned };
  if (device.status === 'revoked') return { tone: 'quiet', icon: 'cross', words: words.revoked };
  if (device.status === 'decommissioned')
    return { tone: 'quiet', icon: 'cross', words: words.decommissioned };
  return device.isConnected
    ? { tone: 'ok', icon: 'link', words: device.via === 'http' ? words.connectedByHttp : words.connected }
    : { tone: 'warn', icon: 'unlinked', words: words.notConnected };
}

/** True while the update machine works on a release. */
export const isMoving = (model: DeviceModel): boolean => model.phase !== 'idle' && model.phase !== 'empty';

/** True when what runs is, to the byte, what the ring assigns; also for "nothing" on both sides. */
export const runsWanted = (model: DeviceModel): boolean =>
  (model.running?.digest ?? null) === (model.desired?.digest ?? null);
