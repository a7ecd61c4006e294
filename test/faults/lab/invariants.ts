import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { untilTrue } from '../../lab/until.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Device } from './device.ts';
import type { Journey } from './journeys.ts';

const ANSWER_MS = 15_000;
const GONE_MS = 10_000;
const TIDY_MS = 10_000;

/** What must hold after every fault; answers with what does not, in words. */
export interface Aftermath {
  readonly version: string;
  readonly flaws: readonly string[];
  /** From the start after the fault to the first answer. */
  readonly servingMs: number | null;
}

/** What a device is expected to come to. */
export interface Expectation {
  /** The release in the end; '' for none, and then nothing need answer. */
  readonly wanted: string;
  readonly known: readonly string[];
  /** The fault is none that may cost anything: the update arrives, and no other codes than these are reported. */
  readonly says?: readonly string[];
  readonly agent?: AgentProcess;
  /** What else is looked at on the device at rest; answers with flaws. */
  readonly check?: (device: Device) => Promise<readonly string[]>;
  /** How long it may take to come to rest. */
  readonly restMs?: number;
}

/** What a journey ends with after a fault that costs nothing. */
export const arrives = ({ wanted, known, says }: Journey): Expectation => ({ wanted, known, says });

/** A device that starts after a fault: it serves, comes to rest, has lost no report, and leaves nothing behind. */
export async function survives(device: Device, expected: Expectation): Promise<Aftermath> {
  const { wanted, known, says, agent = device.start(), restMs, check } = expected;
  const watch = device.watch();
  const flaws: string[] = [];
  const isSilent = wanted === '';
  let version = '';
  try {
    version = await device.untilRest(agent, wanted, restMs);
    const hasAnswered = async (): Promise<boolean> => isSilent || watch.firstAnswerMs !== null;
    await untilTrue('it answers', hasAnswered, { limitMs: ANSWER_MS });
    // What cannot be loaded is found out meanwhile, and leads to more.
    version = await device.untilRest(agent, wanted, restMs);
    if (!known.includes(version)) flaws.push(`it rests on ${version}`);
    await untilTidy(device, agent);
    flaws.push(...((await check?.(device)) ?? []));
  } catch (err) {
    flaws.push(err instanceof Error ? err.message : String(err));
  }
  flaws.push(...(await watch.end(isSilent)));
  for (const one of watch.versions) if (!known.includes(one)) flaws.push(`${one} answered`);
  if (says) {
    if (version !== wanted) flaws.push(`it rests on ${version}, although nothing speaks against ${wanted}`);
    for (const code of device.reports.codes()) if (!says.includes(code)) flaws.push(`it reported ${code}`);
  }
  flaws.push(...device.reports.flaws());
  flaws.push(...(await ends(agent)));
  if (existsSync(device.socket)) flaws.push(`${device.socket} is left behind`);
  return { version, flaws, servingMs: watch.firstAnswerMs };
}

/** Stops it; answers with what does not go. */
export async function ends(agent: AgentProcess): Promise<string[]> {
  await agent.stop();
  try {
    await agent.untilGone(GONE_MS);
    return [];
  } catch (err) {
    agent.killAll();
    return [err instanceof Error ? err.message : String(err)];
  }
}

/** Waits until nothing is on the disk that no release needs, and nothing is held open that a resting agent does not. */
async function untilTidy(device: Device, agent: AgentProcess): Promise<void> {
  let litter: string[] = [];
  const isTidy = async (): Promise<boolean> => {
    const [model] = (await device.status())?.models ?? [];
    const needed = [model?.committed?.version, model?.previous?.version];
    litter = [...litterOf(device.stateDir, needed), ...device.leaks(agent)];
    return litter.length === 0;
  };
  const detail = (): string => litter.join(', ');
  await untilTrue('nothing is left on the disk, or open', isTidy, { limitMs: TIDY_MS, detail });
}

function litterOf(stateDir: string, needed: readonly (string | undefined)[]): string[] {
  const names = (folder: string): string[] => {
    const path = join(stateDir, folder);
    return existsSync(path) ? readdirSync(path).map((name) => join(folder, name)) : [];
  };
  const slots = names('slots/tiny').filter((path) => !needed.includes(path.slice('slots/tiny/'.length)));
  const blobs = names('blobs/sha256')
    .flatMap(names)
    // One that is removed while it is looked at is none.
    .filter((path) => statSync(join(stateDir, path), { throwIfNoEntry: false })?.nlink === 1);
  return [...slots, ...names('blobs/partial'), ...blobs];
}
