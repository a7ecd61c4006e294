import type { ReactElement, ReactNode } from 'react';
import { count } from '../format/number.ts';
import { texts } from '../texts.ts';
import {
  BlockedNote,
  ConnectionCell,
  DeviceCell,
  RingCell,
  RunningCell,
  StateCell,
  WantedCell,
} from './device-cells.tsx';
import type { DeviceTableModel } from './device-table.tsx';

const words = texts.devices.columns;

/** The same rows as cards, for narrow screens. */
export function DeviceCards({ table }: { table: DeviceTableModel }): ReactElement {
  return (
    <ul className="device-cards">
      {table.getRowModel().rows.map(({ id, original: { device, model } }) => (
        <li key={id} className="panel device-card">
          <div className="device-card-head">
            <div>
              <DeviceCell device={device} />
            </div>
            <div className="device-card-link">
              <ConnectionCell device={device} />
            </div>
          </div>
          {model ? (
            <div>
              <StateCell model={model} />
            </div>
          ) : null}
          <dl className="device-card-facts">
            <Fact label={words.model}>{model?.model ?? texts.devices.noModel}</Fact>
            <Fact label={words.ring}>
              <RingCell device={device} />
            </Fact>
            {model ? (
              <>
                <Fact label={words.running}>
                  <RunningCell model={model} />
                </Fact>
                <Fact label={words.wanted}>
                  <WantedCell model={model} />
                </Fact>
              </>
            ) : null}
          </dl>
          <BlockedNote model={model} />
          {model ? (
            <dl className="device-card-counts">
              <Fact label={words.answers}>{count(model.answers)}</Fact>
              <Fact label={words.failures}>{count(model.failures)}</Fact>
              <Fact label={words.fallbacks}>{count(model.fallbacks)}</Fact>
            </dl>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }): ReactElement {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
