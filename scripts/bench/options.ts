import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly name: string;
  readonly isJson: boolean;
  /** A Python with fastapi, uvicorn, onnxruntime and numpy. */
  readonly python?: string;
  readonly minutes?: number;
  readonly periodMs?: number;
  readonly devices?: number;
}

/** Throws an Error with a sentence for the person at the terminal. */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): BenchOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      python: { type: 'string' },
      minutes: { type: 'string' },
      period: { type: 'string' },
      devices: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const [name = '', ...more] = positionals;
  if (!names.includes(name) || more.length > 0) {
    throw new Error(`${positionals.join(' ') || 'nothing'} is no benchmark; there is: ${names.join(', ')}`);
  }
  const python = values.python ?? env['RINGFLEET_BENCH_PYTHON'];
  const minutes = positive('--minutes', values.minutes);
  const devices = positive('--devices', values.devices);
  const periodS = positive('--period', values.period);
  return {
    name,
    isJson: values.json,
    ...(python ? { python } : {}),
    ...(minutes === undefined ? {} : { minutes }),
    ...(devices === undefined ? {} : { devices: Math.ceil(devices) }),
    ...(periodS === undefined ? {} : { periodMs: periodS * 1000 }),
  };
}

function positive(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${flag} must be a number above 0`);
  return value;
}
