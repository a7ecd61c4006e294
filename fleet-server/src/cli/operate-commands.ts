import { registerBrokerCommands } from './broker-commands.ts';
import { registerBundleCommands } from './bundle-commands.ts';
import type { RegisterCommands } from './context.ts';
import { registerIntakeCommands } from './intake-commands.ts';
import { registerDeviceCommands } from './operate-devices.ts';
import { registerRingCommands } from './operate-rings.ts';
import { registerRolloutCommands } from './operate-rollouts.ts';
import { registerTelemetryCommands } from './telemetry-commands.ts';
import { registerWebhookCommands } from './webhook-commands.ts';

/** The operator's verbs: rings, rollouts, devices and the tokens that admit them, what they counted, and who else is told. */
export const registerOperateCommands: RegisterCommands = (program, context) => {
  registerRingCommands(program, context);
  registerRolloutCommands(program, context);
  registerDeviceCommands(program, context);
  registerBundleCommands(program, context);
  registerBrokerCommands(program, context);
  registerTelemetryCommands(program, context);
  registerIntakeCommands(program, context);
  registerWebhookCommands(program, context);
};
