import { clocks } from './kinds/clocks.ts';
import { corruptedFiles } from './kinds/corrupted-files.ts';
import { disks } from './kinds/disks.ts';
import { durableSteps } from './kinds/durable-steps.ts';
import type { FaultFamily } from './kinds/kind.ts';
import { links } from './kinds/links.ts';
import { loops } from './kinds/loops.ts';
import { networks } from './kinds/networks.ts';
import { orders } from './kinds/orders.ts';
import { powerCuts } from './kinds/power-cuts.ts';
import { serverKills } from './kinds/server-kills.ts';
import { services } from './kinds/services.ts';
import { signals } from './kinds/signals.ts';

/** Every kind of fault there is. */
export const FAMILIES: readonly FaultFamily[] = [
  durableSteps,
  powerCuts,
  corruptedFiles,
  clocks,
  networks,
  links,
  orders,
  serverKills,
  services,
  signals,
  loops,
  disks,
];
