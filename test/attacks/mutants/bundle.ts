import { readFileSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Mutant, mutantsOf, withMutants } from './sites.ts';
import { MUTATED } from './targets.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export interface Bundle {
  /** The victim's program. */
  readonly program: string;
  readonly mutants: readonly Mutant[];
}

/** One build with every mutant in it, all asleep: so that one start of the victim tries hundreds. */
export async function bundleMutants(folder = join(ROOT, 'test/dist/mutants')): Promise<Bundle> {
  const sources = new Map<string, string>();
  const mutants: Mutant[] = [];
  for (const target of MUTATED) {
    const path = join(ROOT, target.file);
    const source = readFileSync(path, 'utf8');
    const found = mutantsOf(target, source);
    sources.set(path, withMutants(source, found, mutants.length));
    mutants.push(...found);
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: { victim: join(ROOT, 'test/attacks/mutants/victim.ts') },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['source'],
    external: ['better-sqlite3', 'onnxruntime-node', 'koffi', 'pino'],
    logLevel: 'warning',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    plugins: [
      {
        name: 'mutants',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = sources.get(path);
            return contents === undefined ? undefined : { contents, loader: 'ts' };
          }),
      },
    ],
  });
  await cp(join(ROOT, 'agent/src/adapters/migrations'), join(folder, 'migrations'), { recursive: true });
  return { program: join(folder, 'victim.mjs'), mutants };
}
