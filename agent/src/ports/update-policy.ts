import type { MaintenanceWindow } from '@ringfleet/shared/protocol';
import type { Hold } from '../core/permission.ts';
import type { Calendar } from './calendar.ts';

/** What the people of this device allow, whatever the fleet server assigns. */
export interface UpdatePolicy {
  /** Null while nobody at the device holds updates. */
  hold(): Hold | null;
  /** Activations happen inside one of these; none means at any time. */
  readonly windows: readonly MaintenanceWindow[];
  readonly calendar: Calendar;
}

/** The hold of a person at the device; it outlives restarts. */
export interface HoldStore {
  readonly current: Hold | null;
  /** On disk when it resolves. */
  set(hold: Hold): Promise<void>;
  release(): Promise<void>;
}
