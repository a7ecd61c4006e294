import { join } from 'node:path';
import type { Logger } from 'pino';
import { createPlainChildRuntime } from './adapters/runner-child.ts';
import { createUnitRuntime, hasRunnerUnits } from './adapters/runner-unit.ts';
import type { AgentConfig } from './config.ts';
import type { DeviceKnowledge } from './device-knowledge.ts';
import type { Runtime } from './ports/runtime.ts';

export interface ChooseRuntimeOptions {
  readonly stateDir: string;
  readonly runDir: string;
  readonly config: AgentConfig;
  readonly knowledge: Pick<DeviceKnowledge, 'unusable'>;
  readonly log: Logger;
}

/** Under systemd with our units each runner is a unit of its own; else a plain child. */
export function chooseRuntime(options: ChooseRuntimeOptions): Runtime {
  const { stateDir, runDir, config, knowledge, log } = options;
  const { sockets } = config.runner;
  const isUnit = sockets !== '' && hasRunnerUnits(sockets);
  log.debug({ component: 'runner', isUnit, sockets }, 'runners are launched');
  const child = {
    runDir,
    log,
    runtime: { ...config.runtime, cacheDir: join(stateDir, 'engines') },
    unusable: knowledge.unusable,
    profileOf: (model: string) =>
      config.models.list.find((one) => one.model === model)?.profile ?? config.runtime.profile,
  };
  return isUnit ? createUnitRuntime({ ...child, socketDir: sockets }) : createPlainChildRuntime(child);
}
