import type { Plan } from './publication.ts';
import type { Answer } from './server.ts';

/** One attack as data: what is different from an update that would install. */
export interface Attack {
  readonly attack: string;
  readonly check: string;
  /** A code of the catalogue; or `INSTALLED`, `REMOVED` for what succeeds, `waits: CODE` for what is only withheld. */
  readonly code: string;
  readonly plan: Plan;
  /** What of the snapshot may be another one afterwards, all of it genuine. Nothing, unless said. */
  readonly changes?: readonly string[];
  /** What the device takes before, and how that must end; it stands for history, a theft, or a rotation. */
  readonly before?: { readonly plan: Plan; readonly ends: string; readonly nowMs?: number };
  /** Answers of the server that are no files, by the end of their address. */
  readonly replies?: Readonly<Record<string, Answer>>;
  /** The device's clock, where it is wrong. */
  readonly nowMs?: number;
  /** Something that happens to the device's disk before the attack, while it is off. */
  readonly onDisk?: (stateDir: string) => void;
  /** The assignment arrives over MQTT instead of being asked for. */
  readonly isOffered?: boolean;
  /** What answers an application afterwards, unless it is 1.0.0, or 1.1.0 where it installs. */
  readonly answers?: string;
}

/** What came of an attack. */
export interface Outcome {
  readonly code: string;
  readonly changes: readonly string[];
  /** The version that answers an application in the end. */
  readonly answers: string;
}

/** What an update brings that is refused by its assignment alone. */
export const CHAIN: readonly string[] = ['timestamp', 'snapshot', 'targets', 'm.tiny'];

/** How an attack must end, in the form of its outcome. Of one that ends in an installation only that is said. */
export function expected({ code, changes = [], answers }: Attack, outcome: Outcome): Outcome {
  const isThrough = code === 'INSTALLED' || code === 'REMOVED';
  return {
    code,
    changes: isThrough && changes.length === 0 ? outcome.changes : [...changes].sort(),
    answers: answers ?? (code === 'INSTALLED' ? '1.1.0' : '1.0.0'),
  };
}
