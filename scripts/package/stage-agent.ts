import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MEMORY_CLASSES } from '../../agent/src/core/memory-class.ts';
import { stageNative, stageNode } from './runtime.ts';
import { Stage } from './stage.ts';
import { type DebArch, ROOT } from './tools.ts';

const LIB = 'usr/lib/ringfleet-agent';
const UNITS = 'usr/lib/systemd/system';
const PACKAGING = 'agent/packaging';

/** Everything that the agent's package installs, below `dir`, as it lies on the device. */
export function stageAgent(dir: string, arch: DebArch): Stage {
  const stage = new Stage(dir);
  stageNode(stage, arch, LIB);
  stageNative(stage, arch, `${LIB}/agent`);
  stage.copy('agent/dist', `${LIB}/agent`, (path) => /^[^/]+\.mjs$|^migrations(\/|$)/.test(path));
  stage.copy(`${PACKAGING}/ringfleet-agent.sh`, `${LIB}/bin/ringfleet-agent`);
  stage.link('usr/bin/ringfleet-agent', '../lib/ringfleet-agent/bin/ringfleet-agent');
  for (const [name, content] of agentUnits()) stage.write(`${UNITS}/${name}`, content);
  for (const name of memoryClasses().map(([one]) => one)) {
    const socket = `ringfleet-runner-${name}.socket`;
    stage.link(`${UNITS}/ringfleet-runner.target.wants/${socket}`, `../${socket}`);
  }
  stage.copy(`${PACKAGING}/sysusers.conf`, 'usr/lib/sysusers.d/ringfleet-agent.conf');
  for (const name of readdirSync(join(ROOT, PACKAGING, 'devices'))) {
    stage.copy(`${PACKAGING}/devices/${name}`, `usr/share/ringfleet-agent/devices/${name}`);
  }
  stage.copy('docs/schemas/agent.schema.json', 'usr/share/ringfleet-agent/agent.schema.json');
  stage.copy(`${PACKAGING}/agent.yaml`, 'etc/ringfleet/agent.yaml');
  stage.copy('LICENSE', 'usr/share/doc/ringfleet-agent/copyright');
  stage.settle([`${LIB}/bin/node`, `${LIB}/bin/ringfleet-agent`]);
  return stage;
}

/** Unit files by name: those of the runners are made once for every memory class. */
export function agentUnits(): [name: string, content: string][] {
  const read = (name: string): string => readFileSync(join(ROOT, PACKAGING, 'systemd', name), 'utf8');
  const runners = memoryClasses().flatMap(([name, memory]): [string, string][] => {
    const fill = (text: string): string => text.replaceAll('@CLASS@', name).replaceAll('@MEMORY@', memory);
    return [
      [`ringfleet-runner-${name}.socket`, fill(read('ringfleet-runner.socket.in'))],
      [`ringfleet-runner-${name}@.service`, fill(read('ringfleet-runner@.service.in'))],
    ];
  });
  return [
    ['ringfleet-agent.service', read('ringfleet-agent.service')],
    ['ringfleet-runner.target', read('ringfleet-runner.target')],
    ...runners,
  ];
}

/** What systemd calls the limits; the last class leaves the device some air. */
function memoryClasses(): [name: string, memory: string][] {
  return [...MEMORY_CLASSES.map(({ name }): [string, string] => [name, name.toUpperCase()]), ['max', '85%']];
}
