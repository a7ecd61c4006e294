import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Box } from './box.ts';
import { bytesWritten, loopDeviceOf, makeDisk } from './disk.ts';
import { sayWhySkipped, whyNoLab } from './requirements.ts';

const why = sayWhySkipped('the laboratory', whyNoLab());

describe.skipIf(why !== null)('a box', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rf-lab-'));
  const boxes: Box[] = [];
  afterAll(async () => {
    for (const box of boxes) await box.down();
    rmSync(dir, { recursive: true, force: true });
  });
  const boot = async (...options: Parameters<typeof Box.boot>): Promise<Box> => {
    const box = await Box.boot(...options);
    boxes.push(box);
    return box;
  };

  it('loses at a power cut what was not synced, keeps what was, and boots again', async () => {
    const image = join(dir, 'disk.img');
    await makeDisk(image, 64 * 1024 * 1024);
    const box = await boot({ disk: { image } });
    await box.sh('echo kept > /var/lib/kept && sync && echo lost > /var/lib/lost');
    const before = await box.sh('cat /proc/sys/kernel/random/boot_id');
    await box.cut();
    await box.boot();
    expect(await box.sh('cat /var/lib/kept')).toBe('kept\n');
    expect((await box.trySh('cat /var/lib/lost')).stdout).toBe('');
    expect(await box.sh('cat /proc/sys/kernel/random/boot_id')).not.toBe(before);
    const device = await loopDeviceOf(image);
    expect(bytesWritten(device ?? '')).toBeGreaterThan(0);
  });

  it('enforces watchdogs and memory limits', async () => {
    const unit = (lines: readonly string[]): string => ['[Service]', ...lines, ''].join('\n');
    const box = await boot({
      files: {
        '/etc/systemd/system/hangs.service': unit([
          'Type=notify',
          'NotifyAccess=all',
          'WatchdogSec=300ms',
          "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 60'",
        ]),
        '/etc/systemd/system/greedy.service': unit([
          'MemoryMax=20M',
          'MemorySwapMax=0',
          "ExecStart=/usr/bin/perl -e '$$a = q(x) x (200 << 20)'",
        ]),
      },
    });
    await box.sh('systemctl start --no-block hangs greedy');
    await box.until('test "$(systemctl show -p Result --value hangs)" = watchdog');
    // "oom-kill" where the host has cgroup v2, "signal" on v1.
    await box.until('systemctl show -p Result --value greedy | grep -qxE "oom-kill|signal"');
    expect(await box.sh('systemctl show -p ExecMainStatus --value greedy')).toBe('9\n');
  });

  it('keeps what is changed in a view of the host over a reboot, away from the host', async () => {
    const box = await boot({ root: 'host' });
    await box.sh('echo mine > /opt/of-the-box');
    await box.reboot();
    expect(await box.sh('cat /opt/of-the-box')).toBe('mine\n');
    await expect(import('node:fs/promises').then((fs) => fs.stat('/opt/of-the-box'))).rejects.toThrow();
  });
});
