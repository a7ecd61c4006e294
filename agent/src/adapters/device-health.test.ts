import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkerOf, DeviceHealth } from '@ringfleet/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceHealthReader } from './device-health.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ringfleet-health-'));
});
afterEach(() => rm(root, { recursive: true }));

async function machine(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}
const reader = (): DeviceHealthReader => new DeviceHealthReader({ stateDir: root, agentStarts: 3, root });
const check = checkerOf(DeviceHealth, 'health');

const ROUTE = `Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 00000000 0100A8C0 0003 0 0 600 00000000 0 0 0
wlan0 00000000 0100A8C0 0003 0 0 100 00000000 0 0 0
eth0 0000A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0
`;
const WIRELESS = `Inter-| sta-|   Quality        |
 face | tus | link level noise |
 wlan0: 0000   54.  -56.  -256        0
`;

describe('the health of the machine', () => {
  it('is what the kernel tells of it', async () => {
    await machine({
      'proc/uptime': '90061.25 170000.00\n',
      'proc/stat': 'cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1\n',
      'proc/meminfo': 'MemTotal: 1000 kB\nMemAvailable: 400 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n',
      'proc/vmstat': 'nr_free_pages 5\noom_kill 2\n',
      'sys/class/thermal/thermal_zone0/temp': '41000\n',
      'sys/class/thermal/thermal_zone0/type': 'board\n',
      'sys/class/thermal/thermal_zone1/temp': '71500\n',
      'sys/class/thermal/thermal_zone1/type': 'cpu-thermal\n',
      'sys/class/thermal/cooling_device0/type': 'fan\n',
      'sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count': '4\n',
      'sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count': '5\n',
      'sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq': '600000\n',
      'sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq': '1500000\n',
      'sys/block/mmcblk0/device/life_time': '0x02 0x04\n',
      'sys/block/mmcblk0/device/pre_eol_info': '0x02\n',
      'sys/class/power_supply/AC/type': 'Mains\n',
      'sys/class/power_supply/AC/online': '0\n',
      'sys/class/power_supply/BAT0/type': 'Battery\n',
      'sys/class/power_supply/BAT0/capacity': '73\n',
      'sys/class/power_supply/BAT0/status': 'Discharging\n',
      'proc/net/route': ROUTE,
      'proc/net/wireless': WIRELESS,
      'sys/class/net/wlan0/operstate': 'up\n',
      'sys/class/net/wlan0/speed': '-1\n',
      'sys/class/net/wlan0/statistics/rx_errors': '6\n',
      'sys/class/net/wlan0/statistics/tx_errors': '1\n',
    });
    const health = reader();
    await health.read();
    await machine({ 'proc/stat': 'cpu  150 0 125 725 100 0 0 0 0 0\n' });
    const found = await health.read();
    const { disk, ...rest } = check(found);
    expect(rest).toEqual({
      agentStarts: 3,
      bootedMs: 90_061_250,
      cpuBusyPerMille: 750,
      memoryTotalBytes: 1_024_000,
      memoryAvailableBytes: 409_600,
      swapUsedBytes: 30_720,
      oomKills: 2,
      hottest: { zone: 'cpu-thermal', milliCelsius: 71_500 },
      throttled: { times: 9, frequencyPerMille: 400 },
      wear: { block: 'mmcblk0', usedPercent: 40, reserve: 'warning' },
      power: { isOnMains: false, batteryPercent: 73, battery: 'Discharging' },
      link: { name: 'wlan0', state: 'up', signalDbm: -56, errors: 7 },
    });
    expect(disk?.totalBytes).toBeGreaterThan(0);
    expect(health.last).toEqual(found);
  });

  it('is as much as there is: a file that is missing, empty or nonsense is left out', async () => {
    await machine({
      'proc/uptime': '',
      'proc/stat': 'intr 1\n',
      'proc/meminfo': 'MemTotal: many\n',
      'sys/class/thermal/thermal_zone0/temp': '-274000\n',
      'sys/block/mmcblk0/device/life_time': '0x00 0x00\n',
      'proc/net/route': 'Iface Destination\n../../etc 00000000 0 0 0 0 0 00000000\n',
    });
    const { disk: _, ...rest } = check(await reader().read());
    expect(rest).toEqual({ agentStarts: 3 });
  });

  it('leaves out what is beyond all bounds, and tells the rest', async () => {
    await machine({
      'proc/uptime': '99999999999999999999 1\n',
      'proc/meminfo': 'MemTotal: 1000 kB\n',
      'proc/net/route': ROUTE,
      'sys/class/net/wlan0/speed': '99999999999999999999\n',
    });
    const { disk: _, ...rest } = check(await reader().read());
    expect(rest).toEqual({ agentStarts: 3, memoryTotalBytes: 1_024_000 });
  });

  it('of this machine fits the protocol', async () => {
    const health = new DeviceHealthReader({ stateDir: tmpdir(), agentStarts: 1 });
    await health.read();
    expect(check(await health.read()).memoryTotalBytes).toBeGreaterThan(0);
  });
});
