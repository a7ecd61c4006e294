import type { EventReport, Phase, StateReport, Stream } from '@ringfleet/shared/protocol';
import type { DeviceModel } from '../../core/domain.ts';
import type { NewEvent } from '../../ports/stores.ts';

/** The fleet event of one transition, in words a technician understands. */
export function stateEvent(device: string, report: StateReport, writtenAtMs: number): NewEvent {
  const { model, from, phase, release, running, failure, attempt, generation, isCommitted } = report;
  return {
    kind: 'state',
    code: 'DEVICE_STATE',
    sentence: stateSentence(device, report),
    device,
    model,
    rollout: report.rollout ?? null,
    data: {
      from,
      to: phase,
      version: release?.version ?? running?.version ?? null,
      digest: release?.digest ?? running?.digest ?? null,
      running: running?.version ?? null,
      isCommitted,
      attempt,
      generation,
      code: failure?.code ?? null,
      writtenAtMs,
    },
  };
}

/** The fleet event of an event report. */
export function deviceReportEvent(device: string, report: EventReport, writtenAtMs: number): NewEvent {
  const { kind, severity, code, message, model, version, data } = report;
  return {
    kind: kind === 'alert' || severity === 'error' ? 'alert' : 'device',
    code,
    sentence: `${device}: ${message}`,
    device,
    model: model ?? null,
    rollout: null,
    data: { ...data, kind, severity, version: version ?? null, writtenAtMs },
  };
}

export function provenEvent(known: DeviceModel): NewEvent {
  const { device, model, running } = known;
  return {
    kind: 'state',
    code: 'DEVICE_PROVEN',
    sentence: `${device} is proven on ${model} ${running?.version ?? ''}: it is committed and still there.`,
    device,
    model,
    rollout: null,
    data: { version: running?.version ?? null, digest: running?.digest ?? null, answers: known.answers },
  };
}

export function lostReports(device: string, stream: Stream, count: number): NewEvent {
  return {
    kind: 'device',
    code: 'REPORTS_LOST',
    sentence: `${count} reports of ${device} (${stream}) are lost: the device was told that they are stored, and they are not here.`,
    device,
    model: null,
    rollout: null,
    data: { stream, count },
  };
}

export function cloneAlarm(device: string, key: Readonly<Record<string, unknown>>): NewEvent {
  return {
    kind: 'alert',
    code: 'CLONED_DEVICE',
    sentence: `${device} sent a report whose key is taken by another report: its disk was copied or set back.`,
    device,
    model: null,
    rollout: null,
    data: key,
  };
}

function stateSentence(device: string, report: StateReport): string {
  const { model, phase, release, running, failure } = report;
  const what = `${model} ${release?.version ?? running?.version ?? ''}`.trimEnd();
  if (failure) {
    const now = running && running.digest !== release?.digest ? ` It runs ${running.version}.` : '';
    return `${device} gave up ${what} while ${DURING[failure.phase]} (${failure.code}): ${failure.reason}${now}`;
  }
  return `${device} ${DOING[phase](what, report)}.`;
}

const DOING: Readonly<Record<Phase, (what: string, report: StateReport) => string>> = {
  empty: (_, { model }) => `has no version of ${model}`,
  offered: (what) => `was offered ${what}`,
  downloading: (what) => `is downloading ${what}`,
  verifying: (what) => `is checking the files of ${what}`,
  preflight: (what) => `is trying out ${what}`,
  ready: (what) => `is ready to switch to ${what}`,
  shadow: (what) => `runs ${what} in the shadow`,
  activating: (what) => `is switching to ${what}`,
  soaking: (what) => `has switched to ${what} and watches it`,
  idle: (what, { from, isCommitted }) =>
    `${from === 'soaking' && isCommitted ? 'has committed' : 'runs'} ${what}`,
  rollingBack: (what) => `is going back from ${what}`,
  removing: (what) => `is removing ${what}`,
};

const DURING: Readonly<Record<Phase, string>> = {
  empty: 'it had none',
  offered: 'looking at the offer',
  downloading: 'downloading it',
  verifying: 'checking its files',
  preflight: 'trying it out',
  ready: 'waiting to switch',
  shadow: 'running it in the shadow',
  activating: 'switching to it',
  soaking: 'watching it',
  idle: 'running it',
  rollingBack: 'going back',
  removing: 'removing it',
};
