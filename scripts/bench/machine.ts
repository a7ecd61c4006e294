import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** The machine a figure was measured on, in one line; the load says whether it had other things to do. */
export function machineLine(): string {
  const [processor] = cpus();
  const [load = 0] = loadavg();
  return [
    `${processor?.model.trim() ?? 'unknown processor'} (${arch()})`,
    `${availableParallelism()} cores`,
    `${(totalmem() / 1024 ** 3).toFixed(1)} GB`,
    `${type()} ${release()}`,
    ...systemName(),
    `Node ${process.versions.node}`,
    `load ${load.toFixed(1)} at start`,
  ].join(', ');
}

function systemName(): string[] {
  try {
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    return name ? [name] : [];
  } catch {
    // Not every system says its name.
    return [];
  }
}
