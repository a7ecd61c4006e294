import { cpus } from 'node:os';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { DEVICE_ATTACKS } from './device/attacks.ts';
import { CONTROLS } from './device/controls.ts';
import { type Attack, expected } from './lab/attack.ts';
import { inThread } from './lab/journal.ts';
import { openAttackLab } from './lab/lab.ts';
import { type Fate, runMutants } from './mutants/run.ts';
import { writeSecurityPage } from './table.ts';

const USAGE = `Usage: npm run attacks [-- OPTION]

Runs the attacks on a device's verifier, on real sockets, files and databases, and prints what each came to.

  --mutants   switches off each check of the verifier in turn, and asks that an attack then ends otherwise
  --only TEXT with --mutants: only checks whose name contains this
  --json      the last line of stdout is the result as JSON
  --write     only writes the table of all attacks into docs/security.md
  --help      this text

Exit code: 0 when every attack failed as it must, and every check was needed or is listed as not to be told; else 1.
`;

interface Result {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly bound: number | null;
  readonly ok: boolean;
}

const { values } = parseArgs({
  options: {
    mutants: { type: 'boolean' },
    only: { type: 'string' },
    json: { type: 'boolean' },
    write: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help) process.stdout.write(USAGE);
else if (values.write) writeSecurityPage();
else finish(values.mutants ? await mutants(values.only) : await attacks());

function finish(results: readonly Result[]): void {
  if (values.json) {
    const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`;
    process.stdout.write(`${JSON.stringify({ name: 'attacks', machine, results })}\n`);
  }
  process.exitCode = results.every((one) => one.ok) ? 0 : 1;
}

async function attacks(): Promise<Result[]> {
  const lab = await openAttackLab(inThread);
  let wrong = 0;
  const all: readonly Attack[] = [...CONTROLS, ...DEVICE_ATTACKS];
  for (const attack of all) {
    const outcome = await lab.run(attack);
    const wanted = expected(attack, outcome);
    const isRight = isDeepStrictEqual(outcome, wanted);
    process.stdout.write(`${isRight ? 'ok   ' : 'WRONG'} ${outcome.code.padEnd(24)} ${attack.attack}\n`);
    if (isRight) continue;
    wrong += 1;
    process.stdout.write(`      is     ${JSON.stringify(outcome)}\n      wanted ${JSON.stringify(wanted)}\n`);
  }
  await lab.close();
  process.stdout.write(`${all.length - wrong} of ${all.length} ended as they must\n`);
  return [
    { what: 'attacks', value: DEVICE_ATTACKS.length, unit: 'attacks', bound: null, ok: true },
    { what: 'attacks that ended otherwise', value: wrong, unit: 'attacks', bound: 0, ok: wrong === 0 },
  ];
}

async function mutants(only: string | undefined): Promise<Result[]> {
  const startMs = performance.now();
  const { fates, troubles } = await runMutants({
    ...(only === undefined ? {} : { choose: (all) => all.filter((one) => one.name.includes(only)) }),
    onFate: ({ name, fate, attack, code }, done, all) =>
      void process.stdout.write(
        `${String(done).padStart(4)}/${all} ${fate.padEnd(10)} ${name}${attack ? `\n${' '.repeat(21)}${code} by "${attack}"` : ''}\n`,
      ),
  });
  for (const trouble of troubles) process.stdout.write(`TROUBLE ${trouble}\n`);
  const count = (fate: Fate['fate']): number => fates.filter((one) => one.fate === fate).length;
  const counts: readonly (readonly [string, number])[] = [
    ['mutants', fates.length],
    ['killed: an attack got through', count('through')],
    ['killed: stopped elsewhere, with another code', count('other')],
    ['equivalent', count('equivalent')],
    ['told by tests beside the code only', count('elsewhere')],
  ];
  const results = counts.map(([what, value]) => ({ what, value, unit: 'mutants', bound: null, ok: true }));
  const seconds = Math.round((performance.now() - startMs) / 1000);
  for (const [what, value] of counts) process.stdout.write(`${String(value).padStart(5)} ${what}\n`);
  process.stdout.write(`${String(troubles.length).padStart(5)} troubles, after ${seconds} s\n`);
  return [
    ...results,
    { what: 'troubles', value: troubles.length, unit: 'mutants', bound: 0, ok: troubles.length === 0 },
    { what: 'duration', value: seconds, unit: 's', bound: null, ok: true },
  ];
}
