import { registerBrokerCommands } from './broker-commands.ts';
import type { RegisterCommands } from './context.ts';
import { registerDeviceCommands } from './operate-devices.ts';
import { registerRingCommands } from './operate-rings.ts';
import { registerRolloutCommands } from './operate-rollouts.ts';

/** The operator's verbs: rings, rollouts, devices and the tokens that admit them. */
export const registerOperateCommands: RegisterCommands = (program, context) => {
  registerRingCommands(program, context);
  registerRolloutCommands(program, context);
  registerDeviceCommands(program, context);
  registerBrokerCommands(program, context);
};
