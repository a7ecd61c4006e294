import { existsSync, readFileSync } from 'node:fs';

/** What the client process wrote down itself: a line when a request leaves, a line when its answer comes. */
interface SentLine {
  readonly t: 'sent';
  readonly id: string;
  readonly atMs: number;
  readonly device: string;
  readonly row: number;
  readonly label: number;
}
interface GotLine {
  readonly t: 'got';
  readonly id: string;
  readonly atMs: number;
  readonly ms: number;
  readonly status: number;
  readonly answer: number | null;
  readonly release: string | null;
  readonly isFallback: boolean;
}

export interface ClientFigures {
  readonly answers: number;
  /** Requests without a 200, or without any answer at all. */
  readonly failed: number;
  /** Answers that are not the image's label. */
  readonly wrong: number;
  readonly fallbacks: number;
  readonly slowestMs: number;
  readonly releases: Readonly<Record<string, number>>;
}

/**
 * Counts per device. A request that left and has no answer line failed; while the client still runs (`runningAtMs`), one
 * that left within the last ten seconds is under way and not counted yet.
 */
export function readClientLog(path: string, runningAtMs?: number): ReadonlyMap<string, ClientFigures> {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const sent = new Map<string, SentLine>();
  const got = new Map<string, GotLine>();
  for (const text of lines) {
    // The last line may be half written while the client runs.
    if (!text.endsWith('}')) continue;
    const line = JSON.parse(text) as SentLine | GotLine;
    if (line.t === 'sent') sent.set(line.id, line);
    else got.set(line.id, line);
  }
  const underWaySince = runningAtMs === undefined ? Number.POSITIVE_INFINITY : runningAtMs - 10_000;
  const counted = [...sent.values()].filter((line) => got.has(line.id) || line.atMs < underWaySince);
  const byDevice = Map.groupBy(counted, (line) => line.device);
  return new Map([...byDevice].map(([device, requests]) => [device, figuresOf(requests, got)]));
}

function figuresOf(requests: readonly SentLine[], got: ReadonlyMap<string, GotLine>): ClientFigures {
  const releases: Record<string, number> = {};
  let [answers, failed, wrong, fallbacks, slowestMs] = [0, 0, 0, 0, 0];
  for (const request of requests) {
    const answer = got.get(request.id);
    if (answer?.status !== 200) {
      failed += 1;
      continue;
    }
    answers += 1;
    if (answer.answer !== request.label) wrong += 1;
    if (answer.isFallback) fallbacks += 1;
    slowestMs = Math.max(slowestMs, answer.ms);
    const release = answer.release ?? 'unknown';
    releases[release] = (releases[release] ?? 0) + 1;
  }
  return { answers, failed, wrong, fallbacks, slowestMs, releases };
}
