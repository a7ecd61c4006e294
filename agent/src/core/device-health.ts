import type { DeviceHealth } from '@ringfleet/shared/protocol';

/** Ticks that all processors together have spent, and those of them that were busy, since the start of the machine. */
export interface CpuTimes {
  readonly busy: number;
  readonly all: number;
}

export interface Supply {
  readonly type: string;
  readonly isOnline: boolean;
  readonly capacity: number | undefined;
  readonly status: string | undefined;
}

/** The first number of a file, as /proc and /sys write them; undefined without one. */
export function numberIn(text: string | undefined): number | undefined {
  const found = /^\s*(-?\d+(?:\.\d+)?)/.exec(text ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

/** From /proc/stat. Time that the hypervisor gave to others counts as busy: it was not there to be had. */
export function cpuTimesOf(stat: string): CpuTimes | undefined {
  const found = /^cpu +([\d ]+)$/m.exec(stat)?.[1]?.trim().split(/ +/).map(Number);
  if (!found || found.length < 5) return undefined;
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] = found;
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, all: busy + idle + wait };
}

export function busySince(before: CpuTimes, now: CpuTimes): number | undefined {
  const passed = now.all - before.all;
  if (passed <= 0) return undefined;
  return Math.min(1_000, Math.max(0, Math.round((1_000 * (now.busy - before.busy)) / passed)));
}

/** From /proc/meminfo, which counts in KiB. */
export function memoryOf(
  meminfo: string,
): Pick<DeviceHealth, 'memoryTotalBytes' | 'memoryAvailableBytes' | 'swapUsedBytes'> {
  const bytes = (key: string): number | undefined => {
    const kib = new RegExp(`^${key}: +(\\d+) kB`, 'm').exec(meminfo)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1_024;
  };
  const [total, available] = [bytes('MemTotal'), bytes('MemAvailable')];
  const [swap, swapFree] = [bytes('SwapTotal'), bytes('SwapFree')];
  return {
    ...(total === undefined ? {} : { memoryTotalBytes: total }),
    ...(available === undefined ? {} : { memoryAvailableBytes: available }),
    ...(swap === undefined || swapFree === undefined ? {} : { swapUsedBytes: Math.max(0, swap - swapFree) }),
  };
}

export const oomKillsOf = (vmstat: string): number | undefined =>
  numberIn(/^oom_kill (\d+)$/m.exec(vmstat)?.[1]);

/** eMMC (JEDEC 5.0): both areas' life in tenths, 0x01 to 0x0b; and the reserve, 0x01 to 0x03. 0x00: it does not say. */
export function wearOf(
  lifeTime: string,
  preEol: string,
): Omit<NonNullable<DeviceHealth['wear']>, 'block'> | undefined {
  const tenths = [...lifeTime.matchAll(/0x([0-9a-f]{1,2})\b/gi)].map((match) =>
    Number.parseInt(match[1] ?? '0', 16),
  );
  const worst = Math.max(0, ...tenths.filter((tenth) => tenth <= 11));
  const reserve = (['normal', 'warning', 'urgent'] as const)[Number.parseInt(preEol.trim() || '0', 16) - 1];
  if (worst === 0 && !reserve) return undefined;
  return { ...(worst > 0 ? { usedPercent: worst * 10 } : {}), ...(reserve ? { reserve } : {}) };
}

/** Undefined where the machine has no supply that the kernel knows of. */
export function powerOf(supplies: readonly Supply[]): DeviceHealth['power'] {
  const mains = supplies.filter(({ type }) => type === 'Mains' || type === 'USB');
  const battery = supplies.find(({ type }) => type === 'Battery');
  if (mains.length === 0 && !battery) return undefined;
  const { capacity, status } = battery ?? {};
  const isKnown = capacity !== undefined && capacity >= 0 && capacity <= 100;
  return {
    ...(mains.length > 0 ? { isOnMains: mains.some(({ isOnline }) => isOnline) } : {}),
    ...(isKnown ? { batteryPercent: Math.round(capacity) } : {}),
    ...(status ? { battery: status } : {}),
  };
}

/** From /proc/net/route: the interface of the default route with the least metric. */
export function defaultLinkOf(route: string): string | undefined {
  const defaults = route
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')
    .toSorted((a, b) => Number(a[6]) - Number(b[6]));
  const name = defaults[0]?.[0];
  return name !== undefined && /^[\w.@-]{1,15}$/.test(name) ? name : undefined;
}

/** From /proc/net/wireless; undefined for a wire. */
export function signalOf(wireless: string, name: string): number | undefined {
  const line = wireless.split('\n').find((candidate) => candidate.trim().startsWith(`${name}:`));
  const level = numberIn(line?.trim().split(/\s+/)[3]);
  return level !== undefined && level >= -200 && level <= 50 ? Math.round(level) : undefined;
}

export function errorsOf(received: string | undefined, sent: string | undefined): number | undefined {
  const counts = [numberIn(received), numberIn(sent)].filter((count) => count !== undefined && count >= 0);
  return counts.length === 0 ? undefined : counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}
