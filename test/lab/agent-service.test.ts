import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, PackagedFleet } from './packaged-fleet.ts';
import { sayWhySkipped, whyNoLab } from './requirements.ts';

const why = sayWhySkipped('the packaged service', whyNoLab({ 'dpkg-deb': 'dpkg', curl: 'curl' }));
const INFER = `curl -sS --unix-socket /run/ringfleet-agent/v2.sock -H 'content-type: application/json' \
  -d '{"inputs":[{"name":"features","datatype":"FP32","shape":[1,4],"data":[0,4,0,0]}]}' \
  http://localhost/v2/models/tiny/infer`;
const ANSWERS = `${INFER} | grep -q '"probabilities"'`;
const UNIT = 'ringfleet-agent.service';
const STATUS = 'ringfleet-agent status --json';
const STARVED = '/run/systemd/system/ringfleet-runner-512m@.service.d';
/** A fraction of what a runner allocates. What the kernel counted in the unit's own cgroup, v1 or v2, is said before that goes. */
const COUNT_OOM_KILLS = `[Service]
MemoryMax=12M
ExecStopPost=+/bin/sh -c 'for file in \\
  /sys/fs/cgroup/memory$$(sed -n "s/^[0-9]*:memory://p" /proc/self/cgroup)/memory.oom_control \\
  /sys/fs/cgroup$$(sed -n "s/^0:://p" /proc/self/cgroup)/memory.events; \\
  do test ! -e $$file || cat $$file; done'
`;

describe.skipIf(why !== null)('the package, on a real systemd', { timeout: 120_000 }, () => {
  let fleet: PackagedFleet;
  let packages: string;
  const show = (property: string): Promise<string> =>
    fleet.box.sh(`systemctl show -p ${property} --value ${UNIT}`).then((text) => text.trim());

  beforeAll(async () => {
    packages = await mkdtemp(join(tmpdir(), 'rf-debs-'));
    const debs = [await buildPackage(packages, '0.1.0'), await buildPackage(packages, '0.1.1')];
    expect(debs).toHaveLength(2);
    fleet = await PackagedFleet.boot({ binds: [{ from: packages, to: '/mnt/packages' }] });
  }, 120_000);
  afterAll(async () => {
    await fleet?.down();
    await rm(packages, { recursive: true, force: true });
  });

  it('installs, waits for its enrollment, and says so', async () => {
    await fleet.box.sh('dpkg -i /mnt/packages/ringfleet-agent_0.1.0_*.deb', { limitMs: 60_000 });
    expect(await show('ActiveState')).toBe('active');
    expect(await show('WatchdogUSec')).toBe('15s');
    await fleet.box.until(`systemctl show -p StatusText ${UNIT} | grep -q 'not enrolled'`);
  });

  it('is looked over before it is enrolled, against the server of its token', async () => {
    await fleet.token('/root/token');
    const seen = await fleet.box.sh('ringfleet-agent doctor --token-file /root/token --config /dev/null');
    expect(seen).toMatch(/ok {3}tls +127\.0\.0\.1:8443 is the fleet server/);
    expect(seen.trimEnd().split('\n').at(-1)).toMatch(/^verdict: ready/);
  });

  it('is enrolled by root, and runs a model in a unit of its own', async () => {
    await fleet.publish('1.0.0');
    await fleet.box.sh("echo 'disk: { reserveBytes: 1000000 }' > /etc/ringfleet/agent.yaml");
    await fleet.box.sh('ringfleet-agent run --check');
    await fleet.box.sh('systemctl restart --no-block ringfleet-agent');
    await fleet.box.sh('ringfleet-agent enroll --token-file /root/token --id edge-1', { limitMs: 60_000 });
    // The next command of a person finds it at work.
    await fleet.box.sh('ringfleet-agent status');
    await fleet.box.until(ANSWERS, 40_000);
    expect(
      await fleet.box.sh('systemctl list-units --plain --no-legend "ringfleet-runner-*.service"'),
    ).toMatch(/ringfleet-runner-256m@/);
    await fleet.box.until(
      `systemctl show -p StatusText ${UNIT} | grep -q 'edge-1 of main: tiny 1.0.0; connected'`,
    );
    expect(await fleet.box.sh('ringfleet-agent status')).toContain('edge-1 of fleet main');
    const entry = await fleet.box.sh('journalctl -o json RINGFLEET_MODEL=tiny -n 1');
    expect(JSON.parse(entry)).toMatchObject({ SYSLOG_IDENTIFIER: 'ringfleet-agent' });
  });

  it('is confined, and confines its runners more', async () => {
    const exposure = async (unit: string): Promise<number> => {
      const said = await fleet.box.sh(`systemd-analyze security --no-pager ${unit} | tail -1`);
      return Number(/: (\d+\.\d)/.exec(said)?.[1]);
    };
    expect(await exposure(UNIT)).toBeLessThanOrEqual(1.5);
    expect(await exposure('ringfleet-runner-256m@x.service')).toBeLessThanOrEqual(1);
  });

  it('outlives its runner when that is killed, and starts another', async () => {
    const pid = await show('MainPID');
    const runners = 'systemctl list-units --plain --no-legend "ringfleet-runner-*.service" | cut -d " " -f 1';
    const before = (await fleet.box.sh(runners)).trim();
    await fleet.box.sh(`systemctl kill --signal=KILL ${before}`);
    await fleet.box.until(`${ANSWERS} && test "$(${runners})" != ${before}`);
    expect(await show('MainPID')).toBe(pid);
  });

  it('outlives a runner that runs out of memory: that release is given up, the one before answers', async () => {
    const pid = await show('MainPID');
    await fleet.box.sh(`mkdir -p ${STARVED} && cat > ${STARVED}/test.conf`, { input: COUNT_OOM_KILLS });
    await fleet.box.sh('systemctl daemon-reload');
    // A class of memory that no other release here is in.
    await fleet.publish('1.1.0', { memoryBytes: 400_000_000 });
    await fleet.box.until(
      `journalctl -o cat -u 'ringfleet-runner-512m@*' | grep -Eq '^oom_kill [1-9]'`,
      30_000,
    );
    await fleet.box.until(`${STATUS} | grep -q '"setback":{[^}]*"version":"1.1.0"'`, 30_000);
    await fleet.box.sh(ANSWERS);
    const { stories } = JSON.parse(await fleet.box.sh(STATUS)) as { stories: object[] };
    expect(stories[0]).toMatchObject({ version: '1.0.0', why: expect.stringContaining('1.1.0 was refused') });
    expect(await show('MainPID')).toBe(pid);
    await fleet.box.sh(`rm -r ${STARVED} && systemctl daemon-reload`);
  });

  it('is started again by the watchdog when it stands still', async () => {
    const dropIn = `/run/systemd/system/${UNIT}.d`;
    await fleet.box.sh(`mkdir -p ${dropIn} && printf '[Service]\\nWatchdogSec=4\\n' > ${dropIn}/test.conf`);
    await fleet.box.sh(`systemctl daemon-reload && systemctl restart ${UNIT}`);
    const pid = await show('MainPID');
    await fleet.box.sh(`kill -STOP ${pid}`);
    await fleet.box.until(`test "$(systemctl show -p MainPID --value ${UNIT})" != ${pid}`, 25_000);
    await fleet.box.until(ANSWERS, 15_000);
  });

  it('answers after a reboot', async () => {
    await fleet.box.reboot();
    await fleet.box.until(ANSWERS, 15_000);
  });

  it('keeps its state over an upgrade', async () => {
    await fleet.box.sh('dpkg -i --force-confold /mnt/packages/ringfleet-agent_0.1.1_*.deb', {
      limitMs: 60_000,
    });
    await fleet.box.until(ANSWERS, 15_000);
    expect(await fleet.box.sh('ringfleet-agent status')).toContain('edge-1 of fleet main');
  });

  it('leaves nothing when it is purged', async () => {
    await fleet.box.sh('dpkg --purge ringfleet-agent', { limitMs: 60_000 });
    const left = await fleet.box.sh(
      'find /etc /usr /var /run -xdev -path "*systemd/coredump*" -prune -o \\( -name "ringfleet-agent*" -o -name "ringfleet-runner*" \\) -print; getent passwd ringfleet-agent; getent group ringfleet; systemctl list-units --all --plain --no-legend "ringfleet-*"; true',
    );
    expect(left).toBe('');
  });
});
