import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from '../context.ts';
import { interleave, type Measured } from '../interleave.ts';
import type { LoadResult } from '../load/closed-loop.ts';
import { startProgram } from '../programs.ts';
import { atLeast, atMost, info, type Result } from '../results.ts';
import { imagesOf, MODEL_FILE } from '../served-model.ts';
import { WorkerProcess } from '../worker-process.ts';
import type { Serving } from './start-serve.ts';

const ROUNDS = 6;
const SLICE_MS = 500;
const CONNECTIONS = [1, 16] as const;
const SERVER = fileURLToPath(new URL('../fastapi_server.py', import.meta.url));

/** The same model, bytes and client against FastAPI + uvicorn; nothing where there is no Python with the packages. */
export async function againstFastApi(context: BenchContext, serving: Serving): Promise<readonly Result[]> {
  const python = usablePython(context);
  if (!python) return [];
  const socket = join(context.dir, 'fastapi.sock');
  const program = await startProgram([SERVER, MODEL_FILE, socket], { command: python, readyWith: 'ready' });
  context.atEnd(() => program.stop());
  const [load, raw] = [new WorkerProcess('load-worker.ts'), new WorkerProcess('raw-worker.ts')];
  context.atEnd(() => [load, raw].forEach((worker) => void worker.stop()));

  const images = imagesOf(1);
  const { input, shape, values } = images;
  const lanes = {
    json: { ours: images.json(serving.model), theirs: images.jsonTo('/json') },
    raw: { ours: images.binary(serving.model), theirs: images.rawTo('/raw') },
  };
  context.say(`against FastAPI + uvicorn: ${ROUNDS} rounds of 9 x ${SLICE_MS} ms`);
  const ask = (path: string, request: Uint8Array, connections: number) => () =>
    load.ask<LoadResult>({ kind: 'closed', address: { path }, request, connections, durationMs: SLICE_MS });
  const measured = await interleave(
    {
      run: () => raw.ask<LoadResult>({ model: MODEL_FILE, input, shape, values, durationMs: SLICE_MS }),
      ...Object.fromEntries(
        Object.entries(lanes).flatMap(([form, { ours, theirs }]) =>
          CONNECTIONS.flatMap((n) => [
            [`${form} ours ${n}`, ask(serving.socket, ours, n)],
            [`${form} theirs ${n}`, ask(socket, theirs, n)],
          ]),
        ),
      ),
    },
    ROUNDS,
  );
  const of = (lane: string): Measured => (measured as Readonly<Record<string, Measured>>)[lane] as Measured;
  return Object.keys(lanes).flatMap((form) => compared(form, of));
}

function compared(form: string, of: (lane: string) => Measured): Result[] {
  const added = (who: string): number => of(`${form} ${who} 1`).p50Us - of('run').p50Us;
  const label = form === 'json' ? 'JSON' : 'raw';
  return [
    ...CONNECTIONS.flatMap((n) => {
      const [ours, theirs] = [of(`${form} ours ${n}`), of(`${form} theirs ${n}`)];
      const at = `${label}, ${n} connection${n === 1 ? '' : 's'}`;
      return [
        info(`${at}: agent`, ours.perSecond, 'requests/s'),
        info(`${at}: FastAPI + uvicorn`, theirs.perSecond, 'requests/s'),
        atLeast(`  throughput against FastAPI`, ours.perSecond / theirs.perSecond, 5, 'x'),
      ];
    }),
    info(`${label}: added p50, agent`, added('ours'), 'us'),
    info(`${label}: added p50, FastAPI + uvicorn`, added('theirs'), 'us'),
    atMost(`  added p50 against FastAPI`, added('ours') / added('theirs'), 0.25, 'x'),
  ];
}

function usablePython({ python, say }: BenchContext): string | undefined {
  const candidate = python ?? 'python3';
  const { status } = spawnSync(
    candidate,
    ['-c', 'import fastapi, uvicorn, uvloop, httptools, onnxruntime, numpy'],
    { env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' } },
  );
  if (status === 0) return candidate;
  const missing = `${candidate} lacks fastapi, uvicorn[standard], onnxruntime or numpy (--python PATH names another)`;
  if (python) throw new Error(missing);
  say(`the comparison with FastAPI is left out: ${missing}`);
  return undefined;
}
