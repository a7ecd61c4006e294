import { readdir, readFile, statfs } from 'node:fs/promises';
import { checkerOf, DeviceHealth } from '@ringfleet/shared/protocol';
import {
  busySince,
  type CpuTimes,
  cpuTimesOf,
  defaultLinkOf,
  errorsOf,
  memoryOf,
  numberIn,
  oomKillsOf,
  powerOf,
  type Supply,
  signalOf,
  wearOf,
} from '../core/device-health.ts';

/** A sensor may hang its reader; what has not been read by then is left out of this report. */
const DEADLINE_MS = 2_000;
/** Sensors, processors, disks and supplies that are looked at, of each. */
const MOST = 32;

const check = checkerOf(DeviceHealth, 'health');

export interface DeviceHealthOptions {
  readonly stateDir: string;
  /** Starts of the agent under this identity. */
  readonly agentStarts: number;
  /** Instead of `/`, for tests. */
  readonly root?: string;
}

/**
 * How the machine is, from /proc and /sys alone. Every file is optional and read by the thread pool, so that neither a slow
 * sensor nor a missing one is felt by whoever waits for an answer.
 */
export class DeviceHealthReader {
  readonly #options: DeviceHealthOptions;
  readonly #root: string;
  #cpu: CpuTimes | undefined;
  #last: DeviceHealth | null = null;
  #isReading = false;

  constructor(options: DeviceHealthOptions) {
    this.#options = options;
    this.#root = options.root ?? '';
  }

  /** Of the newest report. */
  get last(): DeviceHealth | null {
    return this.#last;
  }

  /** Never throws, and takes 2 s at most. */
  async read(): Promise<DeviceHealth> {
    const found: DeviceHealth = { agentStarts: this.#options.agentStarts };
    // A sensor that hangs takes one thread of the pool, and not one more with every report.
    if (this.#isReading) return found;
    this.#isReading = true;
    const looks = [
      this.#processor(found),
      this.#memory(found),
      this.#heat(found),
      this.#throttling(found),
      this.#disk(found),
      this.#wear(found),
      this.#power(found),
      this.#link(found),
    ].map((look) => look.catch(() => undefined));
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, DEADLINE_MS);
    const done = Promise.all(looks).then(() => {
      this.#isReading = false;
    });
    await Promise.race([done, over]);
    clearTimeout(timer);
    // What comes later must not change a report that is on its way.
    this.#last = fitting(found);
    return this.#last;
  }

  async #processor(found: DeviceHealth): Promise<void> {
    const uptime = numberIn(await this.#text('/proc/uptime'));
    if (uptime !== undefined) found.bootedMs = Math.round(uptime * 1_000);
    const now = cpuTimesOf((await this.#text('/proc/stat')) ?? '');
    const busy = now && this.#cpu ? busySince(this.#cpu, now) : undefined;
    this.#cpu = now;
    if (busy !== undefined) found.cpuBusyPerMille = busy;
  }

  async #memory(found: DeviceHealth): Promise<void> {
    Object.assign(found, memoryOf((await this.#text('/proc/meminfo')) ?? ''));
    const kills = oomKillsOf((await this.#text('/proc/vmstat')) ?? '');
    if (kills !== undefined) found.oomKills = kills;
  }

  async #heat(found: DeviceHealth): Promise<void> {
    for (const zone of await this.#names('/sys/class/thermal', /^thermal_zone\d+$/)) {
      const milliCelsius = numberIn(await this.#text(`${zone}/temp`));
      if (milliCelsius === undefined || Math.abs(milliCelsius) > 300_000 || milliCelsius < -100_000) continue;
      if (found.hottest && found.hottest.milliCelsius >= milliCelsius) continue;
      found.hottest = { zone: wordOf(await this.#text(`${zone}/type`)) ?? 'unknown', milliCelsius };
    }
  }

  async #throttling(found: DeviceHealth): Promise<void> {
    let times: number | undefined;
    let frequencyPerMille: number | undefined;
    for (const cpu of await this.#names('/sys/devices/system/cpu', /^cpu\d+$/)) {
      const count = numberIn(await this.#text(`${cpu}/thermal_throttle/core_throttle_count`));
      if (count !== undefined) times = (times ?? 0) + count;
      const allowed = numberIn(await this.#text(`${cpu}/cpufreq/scaling_max_freq`));
      const possible = numberIn(await this.#text(`${cpu}/cpufreq/cpuinfo_max_freq`));
      if (allowed === undefined || !possible) continue;
      frequencyPerMille = Math.min(frequencyPerMille ?? 1_000, Math.round((1_000 * allowed) / possible));
    }
    if (times === undefined && frequencyPerMille === undefined) return;
    found.throttled = {
      ...(times === undefined ? {} : { times }),
      ...(frequencyPerMille === undefined ? {} : { frequencyPerMille }),
    };
  }

  async #disk(found: DeviceHealth): Promise<void> {
    const { bsize, blocks, bavail, ffree } = await statfs(this.#options.stateDir);
    found.disk = { totalBytes: blocks * bsize, freeBytes: bavail * bsize, inodesFree: ffree };
  }

  async #wear(found: DeviceHealth): Promise<void> {
    for (const block of await this.#names('/sys/block', /^mmcblk\d+$/)) {
      const wear = wearOf(
        (await this.#text(`${block}/device/life_time`)) ?? '',
        (await this.#text(`${block}/device/pre_eol_info`)) ?? '',
      );
      const isWorse = !found.wear || (wear?.usedPercent ?? 0) > (found.wear.usedPercent ?? 0);
      if (wear && isWorse) found.wear = { block: block.slice(block.lastIndexOf('/') + 1), ...wear };
    }
  }

  async #power(found: DeviceHealth): Promise<void> {
    const supplies: Supply[] = [];
    for (const supply of await this.#names('/sys/class/power_supply', /^[\w.:-]{1,64}$/)) {
      supplies.push({
        type: wordOf(await this.#text(`${supply}/type`)) ?? '',
        isOnline: numberIn(await this.#text(`${supply}/online`)) === 1,
        capacity: numberIn(await this.#text(`${supply}/capacity`)),
        status: wordOf(await this.#text(`${supply}/status`)),
      });
    }
    const power = powerOf(supplies);
    if (power) found.power = power;
  }

  async #link(found: DeviceHealth): Promise<void> {
    const name = defaultLinkOf((await this.#text('/proc/net/route')) ?? '');
    if (name === undefined) return;
    const folder = `/sys/class/net/${name}`;
    const state = wordOf(await this.#text(`${folder}/operstate`));
    const speed = numberIn(await this.#text(`${folder}/speed`));
    const signal = signalOf((await this.#text('/proc/net/wireless')) ?? '', name);
    const errors = errorsOf(
      await this.#text(`${folder}/statistics/rx_errors`),
      await this.#text(`${folder}/statistics/tx_errors`),
    );
    found.link = {
      name,
      ...(state ? { state } : {}),
      // -1: the interface does not know.
      ...(speed !== undefined && speed >= 0 ? { speedMbps: speed } : {}),
      ...(signal === undefined ? {} : { signalDbm: signal }),
      ...(errors === undefined ? {} : { errors }),
    };
  }

  /** Undefined where there is no such file, or it cannot be read now. */
  async #text(path: string): Promise<string | undefined> {
    return readFile(`${this.#root}${path}`, 'utf8').catch(() => undefined);
  }

  /** Paths of what a folder holds by these names, in order. */
  async #names(folder: string, pattern: RegExp): Promise<readonly string[]> {
    const names = await readdir(`${this.#root}${folder}`).catch(() => []);
    return names
      .filter((name) => pattern.test(name))
      .toSorted()
      .slice(0, MOST)
      .map((name) => `${folder}/${name}`);
  }
}

/** What a kernel says beyond the protocol's bounds is left out: it must not cost the whole report. */
function fitting(found: DeviceHealth): DeviceHealth {
  return Object.fromEntries(
    Object.entries(found).filter(([key, value]) => {
      try {
        check({ [key]: value });
        return true;
      } catch {
        return false;
      }
    }),
  );
}

const wordOf = (text: string | undefined): string | undefined => text?.trim().slice(0, 64) || undefined;
