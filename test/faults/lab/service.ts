import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildPackage, PackagedFleet } from '../../lab/packaged-fleet.ts';
import { untilTrue } from '../../lab/until.ts';
import { compareLedgers } from './ledgers.ts';

const UNIT = 'ringfleet-agent.service';
const DEVICE = 'edge-1';
const ANSWERS = `curl -sS -m 3 --unix-socket /run/ringfleet-agent/v2.sock -H 'content-type: application/json' \
  -d '{"inputs":[{"name":"features","datatype":"FP32","shape":[1,4],"data":[0,4,0,0]}]}' \
  http://localhost/v2/models/tiny/infer | grep -q '"probabilities"'`;
const DROP_IN = `/run/systemd/system/${UNIT}.d`;
const REACH_MS = 60_000;
const DONE_MS = 90_000;
const SERVING_MS = 20_000;

/** The packaged agent as a service of a real systemd, with the real server beside it; updates follow one another. */
export class Service {
  readonly fleet: PackagedFleet;
  readonly #packages: string;
  #minor = 0;

  private constructor(fleet: PackagedFleet, packages: string) {
    this.fleet = fleet;
    this.#packages = packages;
  }

  static async start(): Promise<Service> {
    const packages = await mkdtemp(join(tmpdir(), 'rff-debs-'));
    await buildPackage(packages, '0.1.0');
    const fleet = await PackagedFleet.boot({ binds: [{ from: packages, to: '/mnt/packages' }] });
    const service = new Service(fleet, packages);
    const { box } = fleet;
    // A drop-in of /run goes with a reboot; this one is to stay.
    await box.sh(`mkdir -p /etc/systemd/system/${UNIT}.d`);
    await box.sh(`printf '[Service]\\nWatchdogSec=4\\n' > /etc/systemd/system/${UNIT}.d/test.conf`);
    await box.sh("mkdir -p /etc/ringfleet && echo 'disk: { reserveBytes: 1000000 }' > /root/agent.yaml");
    await box.sh('dpkg -i --force-confold /mnt/packages/ringfleet-agent_0.1.0_*.deb', { limitMs: 60_000 });
    await box.sh('cp /root/agent.yaml /etc/ringfleet/agent.yaml && systemctl enable test-server');
    await box.sh(`systemctl restart --no-block ${UNIT}`);
    await fleet.token('/root/token');
    await fleet.publish('1.0.0');
    const enroll = `ringfleet-agent enroll --token-file /root/token --id ${DEVICE}`;
    await box.sh(enroll, { limitMs: 60_000 });
    await box.until(ANSWERS, DONE_MS);
    return service;
  }

  /** Publishes one more release and waits until the agent says that it has come to `state`; answers with its version. */
  async updateTo(state: string, limits: object = {}): Promise<string> {
    this.#minor += 1;
    const version = `1.${this.#minor}.0`;
    const log = this.fleet.box.spawn(['journalctl', '-f', '-n', '0', '-o', 'cat', '-t', 'ringfleet-agent']);
    try {
      const lines: string[] = [];
      if (log.stdout) createInterface({ input: log.stdout }).on('line', (line) => lines.push(line));
      const publishing = this.fleet.publish(version, limits);
      const isThere = async (): Promise<boolean> =>
        lines.some((line) => line.includes(`release=${version} `) && line.includes(` to=${state}`));
      await untilTrue(`the service is ${state}`, isThere, {
        limitMs: REACH_MS,
        detail: () => lines.join('\n'),
      });
      await publishing;
      return version;
    } finally {
      log.kill('SIGKILL');
    }
  }

  async mainPid(): Promise<number> {
    return Number(await this.fleet.box.sh(`systemctl show -p MainPID --value ${UNIT}`));
  }

  /** Waits for another process of the unit than this one; answers with how long that took, ms. */
  async untilRestarted(pid: number, limitMs: number): Promise<number> {
    const startedAt = performance.now();
    const isOther = async (): Promise<boolean> => {
      const now = await this.mainPid().catch(() => 0);
      return now !== 0 && now !== pid;
    };
    await untilTrue('systemd has started it again', isOther, { limitMs });
    return Math.round(performance.now() - startedAt);
  }

  /** Less memory than it needs, from its next start on; null lifts it. */
  async limitMemory(bytes: string | null): Promise<void> {
    const { box } = this.fleet;
    const text = `[Service]\\nMemoryMax=${bytes}\\nMemorySwapMax=0\\n`;
    await box.sh(
      bytes === null
        ? `rm -f ${DROP_IN}/starved.conf`
        : `mkdir -p ${DROP_IN} && printf '${text}' > ${DROP_IN}/starved.conf`,
    );
    await box.sh('systemctl daemon-reload');
  }

  /** From now to the first answer, ms. */
  async untilServing(): Promise<number> {
    const startedAt = performance.now();
    await this.fleet.box.until(ANSWERS, SERVING_MS);
    return Math.round(performance.now() - startedAt);
  }

  /** Waits until the machine rests on this release and all reports are stored; answers with what is wrong then. */
  async flawsAtRest(version: string): Promise<string[]> {
    const { box } = this.fleet;
    const isAtRest = `ringfleet-agent status --json | tr -d ' \\n' | grep -q '"outbox":{"rows":0.*"phase":"idle","committed":{"version":"${version}"'`;
    await box.until(isAtRest, DONE_MS);
    await box.until(ANSWERS, SERVING_MS);
    // SQLite would follow the way into the box out of it again.
    const lines = Object.entries({ agent: '/var/lib/ringfleet-agent', server: '/opt/server' }).map(
      ([to, from]) => `mkdir -p /mnt/test/db/${to} && cp ${from}/*.db* /mnt/test/db/${to}`,
    );
    await box.sh(`rm -rf /mnt/test/db && ${lines.join(' && ')}`);
    const copies = join(this.fleet.dir, 'db');
    return compareLedgers(join(copies, 'agent'), join(copies, 'server'), DEVICE);
  }

  async stop(): Promise<void> {
    await this.fleet.down();
    await rm(this.#packages, { recursive: true, force: true });
  }
}
