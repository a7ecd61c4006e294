import type { EventReport, StateReport, Telemetry } from '@ringfleet/shared/protocol';
import type { ControlDatabase, Tx } from './control-database.ts';
import {
  type KnownModel,
  toDeviceModel,
  unknownModel,
  type Written,
  withBeat,
  withState,
} from './known-model.ts';
import { deviceReportEvent, provenEvent, stateEvent } from './report-events.ts';

/** Where a report came from and when. */
export interface Origin {
  readonly device: string;
  readonly written: Written;
  /** The journal that the device's newest hello named. */
  readonly currentJournal: string | null;
  readonly receivedAtMs: number;
}

export interface KnownModels {
  state(tx: Tx, origin: Origin, body: StateReport): void;
  tele(tx: Tx, origin: Origin, body: Telemetry): void;
  event(tx: Tx, origin: Origin, body: EventReport): void;
}

/** What newly stored reports change: the device's models, and the fleet's events. */
export function knownModels(db: ControlDatabase): KnownModels {
  const read = db.prepare<[string, string], { known: string }>(
    'SELECT known FROM device_models WHERE device = ? AND model = ?',
  );
  const write = db.prepare('INSERT OR REPLACE INTO device_models (device, model, known) VALUES (?, ?, ?)');

  function change(tx: Tx, origin: Origin, model: string, how: (known: KnownModel) => KnownModel): void {
    const row = read.get(origin.device, model);
    const before = row ? (JSON.parse(row.known) as KnownModel) : unknownModel(model);
    const after = how(before);
    if (after === before) return;
    write.run(origin.device, model, JSON.stringify(after));
    const shown = toDeviceModel(origin.device, after);
    if (shown.isProven && !toDeviceModel(origin.device, before).isProven) {
      tx.event(provenEvent(shown), origin.receivedAtMs);
    }
  }

  return {
    state(tx, origin, body) {
      tx.event(stateEvent(origin.device, body, origin.written.atMs), origin.receivedAtMs);
      change(tx, origin, body.model, (known) =>
        withState(known, body, origin.written, origin.currentJournal),
      );
    },
    tele(tx, origin, body) {
      for (const model of body.models) {
        change(tx, origin, model.model, (known) =>
          withBeat(known, model, origin.written, origin.currentJournal),
        );
      }
    },
    event(tx, origin, body) {
      tx.event(deviceReportEvent(origin.device, body, origin.written.atMs), origin.receivedAtMs);
    },
  };
}
