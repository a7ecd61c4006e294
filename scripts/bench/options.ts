import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly name: string;
  readonly isJson: boolean;
  /** A Python with fastapi, uvicorn, onnxruntime and numpy. */
  readonly python?: string;
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
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const [name = '', ...more] = positionals;
  if (!names.includes(name) || more.length > 0) {
    throw new Error(`${positionals.join(' ') || 'nothing'} is no benchmark; there is: ${names.join(', ')}`);
  }
  const python = values.python ?? env['RINGFLEET_BENCH_PYTHON'];
  return { name, isJson: values.json, ...(python ? { python } : {}) };
}
