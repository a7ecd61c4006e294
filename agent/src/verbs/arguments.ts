import { type ParseArgsConfig, parseArgs } from 'node:util';
import { CodedError } from '@ringfleet/shared/errors';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ args: string[]; options: O }>>['values'];

/** Reads the options of a verb that takes nothing else. Throws USAGE_INVALID. */
export function readOptions<const O extends Options>(args: readonly string[], options: O): Values<O> {
  const { values } = parsed({ args: [...args], options, strict: true, allowPositionals: false });
  return values as Values<O>;
}

/** The same for a verb that takes one folder. */
export function readOptionsAndFolder<const O extends Options>(
  args: readonly string[],
  options: O,
): { readonly values: Values<O>; readonly folder: string } {
  const { values, positionals } = parsed({ args: [...args], options, strict: true, allowPositionals: true });
  const [folder, ...more] = positionals;
  if (folder === undefined) throw new CodedError('USAGE_INVALID', 'the folder is missing');
  if (more.length > 0) throw new CodedError('USAGE_INVALID', `what is "${more[0]}"?`);
  return { values: values as Values<O>, folder };
}

function parsed<const C extends ParseArgsConfig>(config: C): ReturnType<typeof parseArgs<C>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    throw new CodedError('USAGE_INVALID', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** `--state-dir`, else systemd's state folder, else the usual place. */
export function stateDirOf(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return given ?? env['STATE_DIRECTORY']?.split(':')[0] ?? '/var/lib/ringfleet-agent';
}
