import { parseArgs } from 'node:util';
import { machineLine } from '../../scripts/bench/machine.ts';
import { durableSteps } from './kinds/durable-steps.ts';
import type { CaseResult } from './kinds/kind.ts';
import { Lab } from './lab/bench.ts';
import { MUTANTS } from './mutants/mutants.ts';
import { mutantJson, mutantLine, mutantTable } from './mutants/report.ts';
import { isAsSaid, runMutants } from './mutants/run-mutants.ts';
import { FAMILIES } from './registry.ts';
import { jsonLine, tableOf } from './report.ts';
import { whyNoFaults } from './requirements.ts';
import { isSurvived, runFaults } from './run-faults.ts';

const USAGE = `usage: npm run faults [-- OPTIONS]

Hurts a device at every step of an update and looks whether it survives: docs/faults.md.

  --only KIND[,STATE]  only faults of this kind, in this state of the update machine; KIND+KIND for several
  --every N            of the durable steps only every Nth, for a quicker look; everything else stays
  --shard I/N          of all cases only every Nth, from the Ith on, so that several runs make a whole one
  --mutants            take one safeguard after the other out of the agent, and look which case tells
  --parallel N         how many devices are hurt at a time (2)
  --json               end with one JSON line that lists every case with its proof
  --help               this text

Exit code: 0 when every fault happened and all was well afterwards, and every mutant was told, else 1.
`;

process.exitCode = await main();
// All is told and put away; a connection that nobody closed must not keep the shell waiting.
setTimeout(() => process.exit(), 2_000).unref();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      every: { type: 'string', default: '1' },
      shard: { type: 'string', default: '1/1' },
      mutants: { type: 'boolean', default: false },
      parallel: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const why = whyNoFaults();
  if (why !== null) {
    process.stderr.write(`no faults can be injected here: ${why}\n`);
    return 2;
  }
  const [kind = '', state = ''] = values.only.split(',');
  const kinds = FAMILIES.flatMap((family) => family.kinds);
  const wanted = kind === '' ? kinds : kind.split('+');
  const unknown = wanted.find((one) => !kinds.includes(one));
  if (unknown !== undefined) {
    process.stderr.write(`there is no kind "${unknown}"; use one of: ${kinds.join(', ')}\n`);
    return 2;
  }
  const families = FAMILIES.filter((family) => family.kinds.some((one) => wanted.includes(one)));
  const every = Math.max(1, Number(values.every));
  const [shard = 1, shards = 1] = values.shard.split('/').map(Number);
  const startedAt = performance.now();
  const lab = await Lab.open();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => void lab.close().finally(() => process.exit(130)));
  }
  try {
    if (values.mutants) return await mutants(lab, values.json);
    const results = await runFaults({
      lab,
      families,
      isWanted: (fault) => wanted.includes(fault.kind) && (state === '' || fault.state === state),
      select: (faults) =>
        faults
          .filter(({ kind: one }, i) => !durableSteps.kinds.includes(one) || i % every === 0)
          .filter((_, i) => i % shards === shard - 1),
      parallel: Math.max(1, Number(values.parallel)),
      onResult: say,
    });
    const durationMs = Math.round(performance.now() - startedAt);
    const summary = { machine: machineLine(), durationMs, results };
    process.stdout.write(tableOf(summary));
    if (values.json) process.stdout.write(`${jsonLine(summary)}\n`);
    return results.every(isSurvived) ? 0 : 1;
  } finally {
    await lab.close();
  }
}

async function mutants(lab: Lab, isJson: boolean): Promise<number> {
  const startedAt = performance.now();
  const results = await runMutants(lab, MUTANTS, (one) => process.stderr.write(`${mutantLine(one)}\n`));
  const summary = { machine: machineLine(), durationMs: Math.round(performance.now() - startedAt), results };
  process.stdout.write(mutantTable(summary));
  if (isJson) process.stdout.write(`${mutantJson(summary)}\n`);
  return results.every(isAsSaid) ? 0 : 1;
}

function say({ kind, state, at, proof, version, flaws, tookMs }: CaseResult, done: number, of: number): void {
  const how = proof === null ? 'NOT HIT' : flaws.length > 0 ? 'BROKEN ' : 'ok     ';
  process.stderr.write(`${done}/${of} ${how} ${kind} ${state} ${at} → ${version} (${tookMs} ms)\n`);
  for (const flaw of flaws) process.stderr.write(`        ${flaw}\n`);
}
