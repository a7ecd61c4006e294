import { DOCTOR } from './doctor.ts';
import { ENROLL } from './enroll.ts';
import { HOLD, RELEASE } from './hold.ts';
import { EXPORT_REPORTS, IMPORT } from './import.ts';
import { INSTALL } from './install.ts';
import { LOGS } from './logs.ts';
import { PROVIDERS } from './providers.ts';
import { RESET } from './reset.ts';
import { RUN } from './run.ts';
import { SCORE } from './score.ts';
import { SERVE } from './serve.ts';
import { STATUS } from './status.ts';
import { UNINSTALL } from './uninstall.ts';
import type { Verb } from './verb.ts';

/** In the order in which a person meets them. */
export const VERBS: readonly Verb[] = [
  INSTALL,
  DOCTOR,
  ENROLL,
  RUN,
  STATUS,
  LOGS,
  HOLD,
  RELEASE,
  IMPORT,
  EXPORT_REPORTS,
  PROVIDERS,
  RESET,
  UNINSTALL,
  SERVE,
  SCORE,
];
