import { ENROLL } from './enroll.ts';
import { HOLD, RELEASE } from './hold.ts';
import { EXPORT_REPORTS, IMPORT } from './import.ts';
import { PROVIDERS } from './providers.ts';
import { RESET } from './reset.ts';
import { RUN } from './run.ts';
import { SCORE } from './score.ts';
import { SERVE } from './serve.ts';
import { STATUS } from './status.ts';
import type { Verb } from './verb.ts';

/** In the order in which a person meets them. */
export const VERBS: readonly Verb[] = [
  ENROLL,
  RUN,
  STATUS,
  HOLD,
  RELEASE,
  IMPORT,
  EXPORT_REPORTS,
  PROVIDERS,
  RESET,
  SERVE,
  SCORE,
];
