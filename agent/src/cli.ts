import { CATALOG, CodedError, type ErrorCode, errorText } from '@ringfleet/shared/errors';
import { DEFAULTS } from './config.ts';
import { VERBS } from './verbs/all.ts';
import type { Verb, VerbContext } from './verbs/verb.ts';

const CALL_COLUMNS = 51;

/** Runs the verb that is named and resolves with its exit code. Throws USAGE_INVALID and what the verb throws. */
export async function runCli(args: readonly string[], context: VerbContext): Promise<number> {
  const [name, ...more] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    context.print(helpText(VERBS));
    return 0;
  }
  if (name === '--version') {
    context.print(`${context.version}\n`);
    return 0;
  }
  const verb = VERBS.find((one) => one.name === name);
  if (!verb) throw new CodedError('USAGE_INVALID', `there is no verb "${name}"`);
  // Those two have options enough for a page of their own.
  if (more.includes('--help') && verb.name !== 'serve' && verb.name !== 'score') {
    context.print(helpText([verb]));
    return 0;
  }
  return verb.run(more, context);
}

export function helpText(verbs: readonly Verb[]): string {
  const lines = verbs.flatMap(({ help }) =>
    help.map(([call, what]) => {
      const whole = `${call && 'ringfleet-agent '}${call}`;
      const gap = whole.length < CALL_COLUMNS ? '' : `\n  ${' '.repeat(CALL_COLUMNS)}`;
      return `  ${whole.padEnd(gap ? 0 : CALL_COLUMNS)}${what && gap}${what}`.trimEnd();
    }),
  );
  return `ringfleet-agent: runs models on this device and keeps them up to date.

${lines.join('\n')}

  --token-file FILE  holds the line that \`ringfleet token create\` printed
  --id ID            this device's name in the fleet; else the agent makes one up that nobody else has
  --state-dir DIR    where the agent keeps everything; else $STATE_DIRECTORY, else /var/lib/ringfleet-agent
  --config FILE      agent.yaml; else /etc/ringfleet/agent.yaml where there is one
  --json             print JSON on stdout
  --help, --version

RINGFLEET_AGENT__SECTION__KEY in the environment overrides the file. Sections and keys, with their defaults:
${keyLines()}

Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 refused by trust, 4 unreachable, 5 conflict.
`;
}

function keyLines(): string {
  return Object.entries(DEFAULTS)
    .map(([name, keys]) => {
      const shown = Object.entries(keys).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
      return `  ${name.padEnd(9)}${shown.join(', ')}`;
    })
    .join('\n');
}

/** DESIGN §12 "exit codes". */
export function exitCodeOf(err: unknown): number {
  if (!(err instanceof CodedError)) return 1;
  const byCode: Partial<Record<ErrorCode, number>> = {
    PORT_IN_USE: 2,
    NOT_ENROLLED: 2,
    AGENT_NOT_RUNNING: 4,
    SERVER_UNREACHABLE: 4,
    STATE_DIR_IN_USE: 5,
  };
  const special = byCode[err.code];
  if (special !== undefined) return special;
  switch (CATALOG[err.code].class) {
    case 'INPUT':
      return 2;
    case 'TRUST':
      return 3;
    case 'SITE':
      return 4;
    case 'CONFLICT':
      return 5;
    default:
      return 1;
  }
}

/** Sentence, remedy, code: what a person at the device needs. */
export function explain(err: unknown): string {
  if (err instanceof CodedError) return errorText(err);
  const what = err instanceof Error ? (err.stack ?? err.message) : String(err);
  return `${what}\n${errorText(new CodedError('AGENT_INTERNAL'))}`;
}
