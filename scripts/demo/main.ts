import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readClientLog } from './client-log.ts';
import { DemoFleet } from './fleet.ts';
import { type Judgement, judge } from './judge.ts';
import { type DemoOptions, readOptions, USAGE } from './options.ts';
import { endEarlier, Processes } from './processes.ts';
import { Teller } from './report.ts';
import { MODEL } from './sources.ts';
import { Story } from './story.ts';

const MARK = 'this-is-a-demo.txt';

/** `npm run demo`: the whole story on this machine. */
const options = optionsOrExit();
if (options) process.exitCode = await run(options);

async function run(opts: DemoOptions): Promise<number> {
  const dir = resolve(opts.dir);
  if (existsSync(dir) && !existsSync(join(dir, MARK))) {
    process.stderr.write(`${dir} exists and is not a demo's folder; choose another one with --dir\n`);
    return 2;
  }
  const ended = await endEarlier(dir);
  if (ended > 0) process.stderr.write(`ended ${ended} processes of an earlier demo\n`);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(dir, 'logs'), { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, MARK), 'Made by npm run demo; the next run empties this folder.\n');

  const tell = new Teller((text) => process.stdout.write(text), Date.now);
  const processes = new Processes(dir);
  const fleet = new DemoFleet(dir, processes);
  const story = new Story(fleet, processes, tell, opts);
  const stopped = new Promise<'stopped'>((settle) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => settle('stopped'));
  });
  let reason: string | null = null;
  try {
    if ((await Promise.race([story.play(), stopped])) === 'stopped') {
      await processes.stopAll();
      fleet.close();
      return 130;
    }
    writeDemoFile(dir, fleet, processes);
  } catch (err) {
    reason = err instanceof Error ? err.message : String(err);
  }

  tell.step(8, reason === null ? 'What happened.' : 'It did not go as it should.');
  if (reason !== null) tell.say(reason);
  if (reason === null && !opts.isOnce) {
    await showTable(tell, fleet, story.clientLog);
    tell.blank();
    tell.say(`dashboard: ${fleet.server.signIn}`);
    tell.say('(that link signs you in once; Ctrl-C ends the demo)');
    await stopped;
    await processes.stopAll();
    fleet.close();
    return 0;
  }
  return end(dir, fleet, processes, tell, story, reason, opts);
}

/** Stops everything in order, reads what each side wrote down, and prints the verdict as the last line. */
async function end(
  dir: string,
  fleet: DemoFleet,
  processes: Processes,
  tell: Teller,
  story: Story,
  reason: string | null,
  opts: DemoOptions,
): Promise<number> {
  if (reason === null) await showTable(tell, fleet, story.clientLog);
  await processes.stop('client');
  await Promise.all(fleet.devices.map((device) => processes.stop(device.id)));
  await processes.stopAll();
  fleet.close();
  const judgement: Judgement = judge(dir);
  const isOk = reason === null && judgement.ok;
  tell.say(
    `${judgement.answers} answers, ${judgement.failedAnswers} failed, ${judgement.wrongAnswers} wrong; ` +
      `${judgement.reports} reports, ${judgement.lostReports} lost, ${judgement.doubledReports} doubled`,
  );
  if (reason !== null) tell.say(`logs: ${join(dir, 'logs')}`);
  const seed = opts.second.kind === 'pair' ? { seed: opts.second.seed } : {};
  process.stdout.write(
    `${JSON.stringify({ ...judgement, ok: isOk, ...seed, ...(reason === null ? {} : { reason }) })}\n`,
  );
  return isOk ? 0 : 1;
}

async function showTable(tell: Teller, fleet: DemoFleet, clientLog: string): Promise<void> {
  const figures = readClientLog(clientLog, Date.now());
  const devices = await fleet.api.devices();
  tell.blank();
  tell.table([
    ['device', 'ring', 'release', 'state', 'answers', 'failed', 'wrong', 'slowest'],
    ...devices.map((device) => {
      const model = device.models.find((m) => m.model === MODEL);
      const f = figures.get(device.id);
      return [
        device.id,
        device.ring ?? '-',
        model?.running?.version ?? '-',
        model ? `${model.isCommitted && model.phase === 'idle' ? 'committed' : model.phase}` : '-',
        String(f?.answers ?? 0),
        String(f?.failed ?? 0),
        String(f?.wrong ?? 0),
        `${Math.round(f?.slowestMs ?? 0)} ms`,
      ];
    }),
  ]);
}

function writeDemoFile(dir: string, fleet: DemoFleet, processes: Processes): void {
  const { plain, signIn } = fleet.server;
  writeFileSync(
    join(dir, 'demo.json'),
    `${JSON.stringify(
      {
        dashboardUrl: plain,
        signInUrl: signIn,
        apiUrl: `${plain}/api/v1`,
        tokenFile: fleet.tokenFile,
        devices: fleet.devices.map((device) => ({ ...device, pid: processes.pid(device.id) })),
      },
      null,
      2,
    )}\n`,
    { mode: 0o600 },
  );
}

function optionsOrExit(): DemoOptions | null {
  try {
    const read = readOptions(process.argv.slice(2), () => randomInt(2 ** 31));
    if (read !== 'help') return read;
    process.stdout.write(USAGE);
  } catch (err) {
    process.stderr.write(`${err instanceof Error ? err.message : String(err)}\n\n${USAGE}`);
    process.exitCode = 2;
  }
  return null;
}
