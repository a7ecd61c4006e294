import { type Benchmark, runBenchmark } from './context.ts';
import { idle } from './idle.ts';
import { inference } from './inference.ts';
import { ingest } from './ingest/index.ts';
import { machineLine } from './machine.ts';
import { readOptions } from './options.ts';
import { tableOf } from './results.ts';
import { storm } from './storm.ts';
import { swap } from './swap.ts';
import { writes } from './writes.ts';

const BENCHMARKS: Readonly<Record<string, Benchmark>> = { inference, swap, idle, writes, ingest, storm };

const USAGE = `usage: npm run bench -- NAME [--json] [--python PATH]

  inference   what a local request costs, against a bare echo and against FastAPI + uvicorn
  swap        requests that a change of releases loses, doubles or holds up
  idle        memory, processor time and wake-ups of an agent that has nothing to do
  writes      what an idle agent writes in a day, at the block device (root, loop device)
  ingest      what a heartbeat costs the server, and whether a kill loses one that was acknowledged
  storm       the server is killed, and all its devices come back at once

  --minutes   how long writes watches, default 12
  --period    seconds between reports for writes, default 300; the day is counted with 288 reports
  --devices   how many come back in storm, default 10000
  --json      end with one JSON line
  --python    a Python with fastapi, uvicorn, uvloop, httptools, onnxruntime and numpy, for the comparison with FastAPI
              (or RINGFLEET_BENCH_PYTHON); without it the comparison is left out
`;

/** `npm run bench -- NAME`: figures on stdout, progress on stderr. Missed bounds are figures too: the exit code is 0. */
// What an interrupted benchmark still waits for must not hold it up.
process.exit(await main());

async function main(): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(process.argv.slice(2), process.env, Object.keys(BENCHMARKS));
  } catch (err) {
    say(`${err instanceof Error ? err.message : String(err)}\n\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const { name, isJson } = options;
  const machine = machineLine();
  say(machine);
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => ended.abort(new Error(`interrupted by ${signal}`)));
  }
  try {
    const results = await runBenchmark(BENCHMARKS[name] as Benchmark, options, say, ended.signal);
    process.stdout.write(
      isJson ? `${JSON.stringify({ name, machine, results })}\n` : `${machine}\n\n${tableOf(results)}`,
    );
    return 0;
  } catch (err) {
    say(err instanceof Error ? (err.stack ?? err.message) : String(err));
    return ended.signal.aborted ? 130 : 1;
  }
}
