import type { CliContext } from './context.ts';
import type { TrustFolder } from './trust-folder.ts';
import { type Outcome, signingLines } from './trust-signing.ts';

/** Prints where a step of the ceremony stands and what comes next. */
export async function report(cli: CliContext, folder: TrustFolder, outcome: Outcome): Promise<void> {
  const names = await folder.keyNames();
  const next = cli.dryRun
    ? 'Nothing was written (--dry-run).'
    : outcome.isComplete
      ? `${outcome.role} is complete and in force here. Next: ringfleet trust publish --dir ${folder.path}`
      : `Draft: ${outcome.draft}\nNext: each signer runs  ringfleet trust sign ${outcome.draft} --key KEYFILE`;
  cli.print(outcome, [`Who must sign ${outcome.role}:`, ...signingLines(outcome, names), next].join('\n'));
}
