import { isDeepStrictEqual, parseArgs } from 'node:util';
import { CONTROLS, DEVICE_ATTACKS } from './device/attacks.ts';
import { type Attack, expected } from './lab/attack.ts';
import { inThread } from './lab/journal.ts';
import { openAttackLab } from './lab/lab.ts';
import { writeSecurityPage } from './table.ts';

const USAGE = `Usage: npm run attacks [-- OPTION]

Runs the attacks on a device's verifier, on real sockets, files and databases, and prints what each came to.

  --write     only writes the table of all attacks into docs/security.md
  --help      this text

Exit code: 0 when every attack failed as it must, else 1.
`;

const { values } = parseArgs({ options: { write: { type: 'boolean' }, help: { type: 'boolean' } } });
if (values.help) process.stdout.write(USAGE);
else if (values.write) writeSecurityPage();
else process.exitCode = await runAttacks();

async function runAttacks(): Promise<number> {
  const lab = await openAttackLab(inThread);
  let wrong = 0;
  const attacks: readonly Attack[] = [...CONTROLS, ...DEVICE_ATTACKS];
  for (const attack of attacks) {
    const outcome = await lab.run(attack);
    const wanted = expected(attack, outcome);
    const isRight = isDeepStrictEqual(outcome, wanted);
    process.stdout.write(`${isRight ? 'ok   ' : 'WRONG'} ${outcome.code.padEnd(24)} ${attack.attack}\n`);
    if (isRight) continue;
    wrong += 1;
    process.stdout.write(`      is     ${JSON.stringify(outcome)}\n      wanted ${JSON.stringify(wanted)}\n`);
  }
  await lab.close();
  process.stdout.write(`${attacks.length - wrong} of ${attacks.length} ended as they must\n`);
  return wrong === 0 ? 0 : 1;
}
