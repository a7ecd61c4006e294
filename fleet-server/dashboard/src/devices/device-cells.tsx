import type { ReactElement } from 'react';
import { State } from '../design/badge.tsx';
import { TimeAgo } from '../format/time-ago.tsx';
import { texts } from '../texts.ts';
import type { Device, DeviceModel } from '../views.ts';
import { connectionLook, failureOf, lookOf, runsWanted } from './device-words.ts';

const words = texts.devices;

export function DeviceCell({ device }: { device: Device }): ReactElement {
  const { hostname } = device.facts ?? {};
  const labels = Object.entries(device.labels).map(([key, value]) => `${key}=${value}`);
  return (
    <>
      <span className="device-id">{device.id}</span>
      {labels.length > 0 || hostname ? (
        <span className="cell-note">
          {[...labels, ...(hostname && labels.length === 0 ? [hostname] : [])].join(' · ')}
        </span>
      ) : null}
    </>
  );
}

export function RingCell({ device }: { device: Device }): ReactElement {
  const others = device.rings.filter((ring) => ring !== device.ring);
  return (
    <>
      {device.ring ?? <span className="soft">{words.noRing}</span>}
      {others.length > 0 ? <span className="cell-note">{words.alsoIn(others.join(', '))}</span> : null}
    </>
  );
}

export function RunningCell({ model }: { model: DeviceModel | null }): ReactElement {
  if (!model?.running) return <span className="soft">{model ? words.nothing : texts.none}</span>;
  return (
    <>
      <span className="version" title={model.running.digest}>
        {model.running.version}
      </span>
      <span className="cell-note" title={words.variant(model.running.variant)}>
        {model.running.variant}
      </span>
    </>
  );
}

export function StateCell({ model }: { model: DeviceModel | null }): ReactElement {
  if (!model) return <span className="soft">{texts.none}</span>;
  const failure = failureOf(model);
  return (
    <>
      <State look={lookOf(model)} />
      {failure ? (
        <span className="cell-note">
          {failure.reason} <code className="code-tag">{failure.code}</code>
        </span>
      ) : null}
      <span className="cell-note">
        <TimeAgo atMs={model.sinceMs} />
      </span>
    </>
  );
}

export function WantedCell({ model }: { model: DeviceModel | null }): ReactElement {
  if (!model) return <span className="soft">{texts.none}</span>;
  const isSame = runsWanted(model) && model.desired !== null;
  return isSame ? (
    <span className="soft">{words.upToDate}</span>
  ) : (
    <span className="version">{model.desired?.version ?? words.nothing}</span>
  );
}

/** What stands between a device and where it should be. Long ones are cut here: the rollout's card has them whole. */
export function BlockedNote({ model }: { model: DeviceModel | null }): ReactElement | null {
  if (!model?.blockedBy) return null;
  const { sentence } = model.blockedBy;
  return (
    <span className="cell-note blocked-note" title={sentence}>
      {sentence}
    </span>
  );
}

export function ConnectionCell({ device }: { device: Device }): ReactElement {
  return (
    <>
      <State look={connectionLook(device)} />
      <span className="cell-note">
        {device.lastSeenAtMs === null ? texts.time.never : <TimeAgo atMs={device.lastSeenAtMs} />}
      </span>
    </>
  );
}
