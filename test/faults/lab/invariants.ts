import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { untilTrue } from '../../lab/until.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Device } from './bench.ts';

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

/** A device that starts after a fault: it serves, comes to rest, has lost no report, and leaves nothing behind. */
export async function survives(
  device: Device,
  {
    wanted,
    known,
    agent = device.start(),
  }: { wanted: string; known: readonly string[]; agent?: AgentProcess },
): Promise<Aftermath> {
  const watch = device.watch();
  const flaws: string[] = [];
  let version = '';
  try {
    version = await device.untilRest(agent, wanted);
    await untilTrue('it answers', async () => watch.firstAnswerMs !== null, { limitMs: ANSWER_MS });
    if (!known.includes(version)) flaws.push(`it rests on ${version}`);
    await untilTidy(device);
  } catch (err) {
    flaws.push(err instanceof Error ? err.message : String(err));
  }
  flaws.push(...(await watch.end()));
  for (const one of watch.versions) if (!known.includes(one)) flaws.push(`${one} answered`);
  flaws.push(...device.reports.flaws());
  flaws.push(...(await ends(agent)));
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

/** Waits until nothing is on the disk that no release needs. */
async function untilTidy(device: Device): Promise<void> {
  let litter: string[] = [];
  const isTidy = async (): Promise<boolean> => {
    const [model] = (await device.status())?.models ?? [];
    const needed = [model?.committed?.version, model?.previous?.version];
    litter = litterOf(device.stateDir, needed);
    return litter.length === 0;
  };
  const detail = (): string => litter.join(', ');
  await untilTrue('nothing is left on the disk', isTidy, { limitMs: TIDY_MS, detail });
}

function litterOf(stateDir: string, needed: readonly (string | undefined)[]): string[] {
  const names = (folder: string): string[] => {
    const path = join(stateDir, folder);
    return existsSync(path) ? readdirSync(path).map((name) => join(folder, name)) : [];
  };
  const slots = names('slots/tiny').filter((path) => !needed.includes(path.slice('slots/tiny/'.length)));
  const blobs = names('blobs/sha256')
    .flatMap(names)
    .filter((path) => statSync(join(stateDir, path)).nlink === 1);
  return [...slots, ...names('blobs/partial'), ...blobs];
}
