import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, PackagedFleet } from './packaged-fleet.ts';
import { sayWhySkipped, whyNoLab } from './requirements.ts';

const why = sayWhySkipped(
  'installation from the server',
  whyNoLab({ 'dpkg-deb': 'dpkg', curl: 'curl', openssl: 'openssl' }),
);
const TOKEN = '/etc/ringfleet/enrollment-token';
/** What a package could leave behind. The backups of passwd and dpkg's own notes are not the package's, and people's folders may change. */
const EVERYTHING = `find /etc /opt /run/systemd/system /srv /usr /var -xdev \\
  ! -path '/var/log/*' ! -path '/var/lib/dpkg*' ! -path '/var/cache/*' ! -path '/var/tmp/*' ! -path '/opt/server/*' \\
  ! -path '/etc/.pwd.lock' ! -path '/etc/*-' ! -path '/var/lib/systemd/*' -printf '%p %y %U %G %m %l\\n' | sort
cut -d : -f 1 /etc/passwd /etc/group | sort
systemctl list-units --all --plain --no-legend 'ringfleet-*'; ls -d /run/ringfleet* 2> /dev/null; true`;

describe.skipIf(why !== null)('a device of one fleet server', { timeout: 60_000 }, () => {
  let fleet: PackagedFleet;
  let packages: string;
  let before: string;
  const sh = (line: string): Promise<string> => fleet.box.sh(line, { limitMs: 60_000 });
  const isProven = async (id: string): Promise<boolean> => {
    const { models } = JSON.parse(await fleet.cli('device', 'show', id, '--json')) as {
      models: { isProven: boolean }[];
    };
    return models[0]?.isProven === true;
  };
  const device = async (): Promise<string> =>
    (JSON.parse(await sh('ringfleet-agent status --json')) as { device: string }).device;
  /** A heartbeat after the commit has come. */
  const untilProven = (): Promise<void> =>
    expect.poll(async () => isProven(await device()), { timeout: 30_000, interval: 200 }).toBe(true);

  beforeAll(async () => {
    packages = await mkdtemp(join(tmpdir(), 'rf-debs-'));
    await buildPackage(packages, '0.1.0');
    fleet = await PackagedFleet.boot({ binds: [{ from: packages, to: '/mnt/packages' }] });
    await fleet.publish('1.0.0');
    // udev brings this group where there is hardware.
    await sh('getent group render || groupadd --system render');
    before = await sh(EVERYTHING);
    await sh(`install -D -m 644 -t /opt/server/packages /mnt/packages/*.deb
      mkdir /etc/ringfleet
      echo '{ report: { periodMs: 1000 }, disk: { reserveBytes: 1000000 } }' > /etc/ringfleet/agent.yaml`);
  }, 120_000);
  afterAll(async () => {
    await fleet?.down();
    await rm(packages, { recursive: true, force: true });
  });

  it('is not installed by a line with the key of somebody else', async () => {
    const line = (await fleet.token('/root/token')).replace(/(?<=--key \S{20})\S/, (one) =>
      one === 'A' ? 'B' : 'A',
    );
    const { code, stderr } = await fleet.box.trySh(`cd /root && ${line}`);
    expect([code, stderr]).toEqual([3, expect.stringContaining('is not signed by the key')]);
    expect((await fleet.box.trySh('dpkg --status ringfleet-agent')).code).not.toBe(0);
  });

  it('is installed, enrolled and heard by the line that the operator was given', async () => {
    const line = await fleet.token('/root/token');
    const seen = await sh(`cd /root && ${line}`);
    expect(seen.trimEnd().split('\n').at(-1)).toMatch(/^verdict: ready/);
    await untilProven();
  });

  it('takes up what may change while it runs, names what waits, and refuses what is wrong', async () => {
    const configure = async (yaml: string): Promise<void> => {
      await sh(`echo '${yaml}' > /etc/ringfleet/agent.yaml && systemctl reload ringfleet-agent`);
    };
    const says = (text: string): Promise<void> =>
      fleet.box.until(`journalctl --output=cat --unit=ringfleet-agent | grep -F '${text}'`);
    await configure('{ report: { periodMs: 900 }, disk: { reserveBytes: 1000001 } }');
    await says('configuration read again: now=report.periodMs afterRestart=disk.reserveBytes');
    await configure('{ report: { periodMs: never } }');
    await says('configuration not taken');
    const { code, stderr } = await fleet.box.trySh('ringfleet-agent run --check');
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(
        /\/etc\/ringfleet\/agent\.yaml:1: report\.periodMs must be an integer from 1 to /,
      ),
    ]);
    await configure('{ report: { periodMs: 1000 }, disk: { reserveBytes: 1000000 } }');
  });

  it('shows the service the device files of a drop-in only, and stays confined with each of them', async () => {
    await sh('mknod -m 660 /dev/hailo0 c 1 3 && chgrp render /dev/hailo0');
    const opens =
      'nsenter --target $(systemctl show -p MainPID --value ringfleet-agent) --mount test -e /dev/hailo0';
    expect((await fleet.box.trySh(opens)).code).toBe(1);
    const units = ['ringfleet-agent.service', 'ringfleet-runner-256m@.service'];
    for (const kind of ['gpu-nvidia', 'gpu-jetson', 'gpu-intel-amd', 'camera', 'npu']) {
      for (const unit of units) {
        const from = `/usr/share/ringfleet-agent/devices/${kind}.conf`;
        await sh(`install -D -m 644 ${from} /etc/systemd/system/${unit}.d/devices.conf`);
      }
      await sh('systemctl daemon-reload');
      expect(await exposure('ringfleet-agent.service'), kind).toBeLessThanOrEqual(1.5);
      expect(await exposure('ringfleet-runner-256m@x.service'), kind).toBeLessThanOrEqual(1);
      expect(await sh('systemd-analyze verify --man=no ringfleet-agent.service 2>&1'), kind).toBe('');
    }
    // The last one is there: as the service and its runners themselves, with the rights of their groups.
    for (const unit of units) {
      await sh(`cat > /etc/systemd/system/${unit}.d/look.conf << 'END'
[Service]
ExecStartPre=/bin/sh -c ': < /dev/hailo0'
END`);
    }
    await sh('systemctl daemon-reload && systemctl restart ringfleet-agent');
    await untilAnswers();
    await sh(opens);
    await sh('rm /dev/hailo0 /etc/systemd/system/ringfleet-*.d/*.conf && systemctl daemon-reload');
  });

  it('is itself again when it was removed and installed anew', async () => {
    const id = await device();
    await sh('dpkg --remove ringfleet-agent && ! test -e /usr/lib/ringfleet-agent');
    await sh('dpkg -i /mnt/packages/*.deb');
    await untilAnswers();
    expect(await device()).toBe(id);
  });

  it('leaves nothing when it is purged', async () => {
    await sh('dpkg --purge ringfleet-agent && rm -f /root/token /root/ringfleet-*');
    expect(await sh(EVERYTHING)).toBe(before);
  });

  it('enrolls itself by the credential that lay there before the first start', async () => {
    await fleet.token(TOKEN);
    await sh('dpkg -i /mnt/packages/*.deb');
    await fleet.box.until('ringfleet-agent status | grep -q "of fleet main"', 30_000);
    await untilAnswers();
    await sh('dpkg --purge ringfleet-agent');
    expect(await sh(EVERYTHING)).toBe(before);
  });

  it('takes a tarball, keeps its state with the next one, and is rid of it', async () => {
    const program = '/mnt/packages/stage/agent-*/usr/bin/ringfleet-agent';
    await fleet.token(TOKEN);
    await sh(`${program} install`);
    await untilAnswers();
    const id = await device();
    await sh('touch /usr/lib/ringfleet-agent/agent/part-of-before.mjs');
    await sh(`${program} install && ! test -e /usr/lib/ringfleet-agent/agent/part-of-before.mjs`);
    await untilAnswers();
    expect(await device()).toBe(id);
    await sh('ringfleet-agent uninstall --yes && test -e /var/lib/ringfleet-agent/identity');
    expect(await sh(`${program} uninstall --purge --yes`)).toContain('Nothing of the agent is left');
    expect(await sh(EVERYTHING)).toBe(before);
  });

  async function untilAnswers(): Promise<void> {
    await fleet.box.until('curl -fsS http://127.0.0.1:8000/v2/models/tiny/ready', 30_000);
  }

  async function exposure(unit: string): Promise<number> {
    const said = await sh(`systemd-analyze security --no-pager ${unit} | tail -1`);
    return Number(/: (\d+\.\d)/.exec(said)?.[1]);
  }
});
