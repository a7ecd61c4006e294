import { type ParseArgsConfig, parseArgs } from 'node:util';
import { CodedError } from '@ringfleet/shared/errors';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ args: string[]; options: O }>>['values'];

/** Reads the options of a verb that takes nothing else. Throws USAGE_INVALID. */
export function readOptions<const O extends Options>(args: readonly string[], options: O): Values<O> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
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
