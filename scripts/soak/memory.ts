import { readdirSync, readFileSync } from 'node:fs';

/** What comes before it is start-up: libraries load, caches and heaps find their size. */
const WARM_UP_SHARE = 1 / 3;

export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** Memory of the agent and of each of its runners over time. */
export class Memory {
  readonly agent: Sample[] = [];
  readonly #runners = new Map<number, Sample[]>();

  look(agentPid: number, nowMs: number): void {
    const own = rssOf(agentPid);
    if (own !== undefined) this.agent.push({ atMs: nowMs, bytes: own });
    for (const pid of childrenOf(agentPid)) {
      const bytes = rssOf(pid);
      const samples = this.#runners.get(pid) ?? [];
      this.#runners.set(pid, samples);
      if (bytes !== undefined) samples.push({ atMs: nowMs, bytes });
    }
  }

  /** Of the runner that lived longest. */
  get runner(): readonly Sample[] {
    return [...this.#runners.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
  }

  get runners(): number {
    return this.#runners.size;
  }
}

/** The lowest sample of each window: what a collection has not come to yet is in the others. */
export function lowsOf(samples: readonly Sample[], windowMs: number): Sample[] {
  const lows = new Map<number, Sample>();
  for (const sample of samples) {
    const window = Math.floor(sample.atMs / windowMs);
    if (sample.bytes < (lows.get(window)?.bytes ?? Number.POSITIVE_INFINITY)) lows.set(window, sample);
  }
  return [...lows.values()];
}

/** Growth by least squares after the warm-up, MiB a minute; 0 for fewer than three samples. */
export function slopeOf(samples: readonly Sample[]): number {
  const used = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  if (used.length < 3) return 0;
  const meanAt = used.reduce((sum, { atMs }) => sum + atMs, 0) / used.length;
  const mean = used.reduce((sum, { bytes }) => sum + bytes, 0) / used.length;
  const above = used.reduce((sum, { atMs, bytes }) => sum + (atMs - meanAt) * (bytes - mean), 0);
  const below = used.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0);
  return ((above / below) * 60_000) / 1024 ** 2;
}

export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    // The process ended in between.
    return [];
  }
}

function rssOf(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
