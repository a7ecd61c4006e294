import type { DeviceHealth } from '@ringfleet/shared/protocol';

/** What `devices/ID/machine` answers. */
export interface MachineAnswer {
  readonly machine: {
    readonly receivedAtMs: number;
    readonly agent: { readonly uptimeMs: number; readonly load1: number };
    readonly health: DeviceHealth | null;
  } | null;
}

/** For `device show`: one line for people, with whatever the device knows of itself; none before its first heartbeat. */
export function machineLines({ machine }: MachineAnswer): readonly string[] {
  if (!machine) return [];
  const { health, agent, receivedAtMs } = machine;
  const words = [
    `agent up ${hours(agent.uptimeMs)}`,
    `load ${agent.load1.toFixed(2)}`,
    ...(health ? healthWords(health) : []),
  ];
  return [`machine at ${new Date(receivedAtMs).toISOString()}: ${words.join(', ')}`];
}

function healthWords(health: DeviceHealth): readonly string[] {
  const { bootedMs, agentStarts, cpuBusyPerMille, oomKills, hottest, throttled, disk, wear, power, link } =
    health;
  const { memoryTotalBytes, memoryAvailableBytes } = health;
  const words: string[] = [];
  if (agentStarts !== undefined) words.push(`started ${agentStarts} times`);
  if (bootedMs !== undefined) words.push(`booted ${hours(bootedMs)} ago`);
  if (cpuBusyPerMille !== undefined) words.push(`processors ${percent(cpuBusyPerMille, 1_000)} busy`);
  if (memoryTotalBytes !== undefined && memoryAvailableBytes !== undefined) {
    words.push(
      `memory ${percent(memoryAvailableBytes, memoryTotalBytes)} of ${gigabytes(memoryTotalBytes)} free`,
    );
  }
  if (oomKills) words.push(`${oomKills} programs ended for want of memory`);
  if (hottest) words.push(`${(hottest.milliCelsius / 1_000).toFixed(1)} degrees at ${hottest.zone}`);
  if (throttled?.times) words.push(`throttled ${throttled.times} times`);
  if (throttled?.frequencyPerMille !== undefined && throttled.frequencyPerMille < 1_000) {
    words.push(`at ${percent(throttled.frequencyPerMille, 1_000)} of its frequency`);
  }
  if (disk)
    words.push(`disk ${percent(disk.freeBytes, disk.totalBytes)} of ${gigabytes(disk.totalBytes)} free`);
  if (wear?.usedPercent !== undefined) words.push(`flash ${wear.block} used to ${wear.usedPercent} %`);
  if (wear?.reserve !== undefined && wear.reserve !== 'normal') words.push(`its reserve: ${wear.reserve}`);
  if (power?.isOnMains !== undefined) words.push(power.isOnMains ? 'on mains' : 'not on mains');
  if (power?.batteryPercent !== undefined) words.push(`battery ${power.batteryPercent} %`);
  if (link) words.push(linkWords(link));
  return words;
}

function linkWords({ name, state, speedMbps, signalDbm, errors }: NonNullable<DeviceHealth['link']>): string {
  const more = [
    state,
    speedMbps === undefined ? undefined : `${speedMbps} Mbit/s`,
    signalDbm === undefined ? undefined : `${signalDbm} dBm`,
    errors ? `${errors} errors` : undefined,
  ].filter((word) => word !== undefined);
  return `link ${name}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}

const hours = (ms: number): string =>
  ms < 48 * 3_600_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${Math.floor(ms / 86_400_000)} d`;
const percent = (part: number, all: number): string => `${all === 0 ? 0 : Math.round((100 * part) / all)} %`;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
