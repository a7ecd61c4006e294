import type { Database } from 'better-sqlite3';
import { readState, STATE_VERSION, type UpdateState } from '../core/update-state.ts';
import type { Alarm } from './journal-alarm.ts';
import type { LastKnown } from './last-known.ts';

interface Row {
  readonly model: string;
  readonly state: string;
}

/** Every model's saved machine. Throws STATE_INVALID on one that `mendMachines` has not seen. */
export const readMachines = (db: Database): readonly UpdateState[] =>
  rows(db).map((row) => readState(JSON.parse(row.state)));

/** Machines that cannot be read, a newer agent's for instance, begin again with what is known to be proven. */
export function mendMachines(db: Database, known: LastKnown | null): readonly Alarm[] {
  return rows(db).flatMap((row) => {
    try {
      readState(JSON.parse(row.state));
      return [];
    } catch (err) {
      const proven = known?.models.find((one) => one.model === row.model);
      if (proven) {
        const state = JSON.stringify(restedState(proven));
        db.prepare('UPDATE machines SET state = ? WHERE model = ?').run(state, row.model);
      } else {
        // Nothing is known of it: the assignment brings it anew.
        db.prepare('DELETE FROM machines WHERE model = ?').run(row.model);
      }
      const why = err instanceof Error ? err.message : String(err);
      const message = `the saved state of ${row.model} could not be read and was rebuilt: ${why}`;
      return [{ code: 'STATE_REBUILT', message }];
    }
  });
}

/** Where a machine rests that has this behind it: nothing under way, nothing forgotten that protects the device. */
export function restedState(proven: LastKnown['models'][number]): UpdateState {
  const { model, generation, committed, previous, failed, isUnexercised } = proven;
  const rest = { v: STATE_VERSION as 2, model, sinceMs: 0, generation, failed, isUnexercised };
  return committed
    ? { ...rest, phase: 'idle', committed, previous }
    : { ...rest, phase: 'empty', committed: null, previous: null, isAssigned: true };
}

const rows = (db: Database): Row[] =>
  db.prepare<[], Row>('SELECT model, state FROM machines ORDER BY model').all();
