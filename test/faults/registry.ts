import { durableSteps } from './kinds/durable-steps.ts';
import type { FaultFamily } from './kinds/kind.ts';

/** Every kind of fault there is. */
export const FAMILIES: readonly FaultFamily[] = [durableSteps];
