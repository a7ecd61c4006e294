import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { agentBundle, ROOT } from '../../../scripts/bundles.ts';
import type { Mutant } from './mutants.ts';

/** Builds the agent with one safeguard taken out; answers with the bundle's path below `dir`. */
export async function buildMutant(mutant: Mutant, dir: string): Promise<string> {
  const outdir = join(dir, mutant.name.replaceAll(/\W+/g, '-'));
  const modules = join(dir, 'node_modules');
  if (!existsSync(modules)) symlinkSync(join(ROOT, 'node_modules'), modules);
  await build({ ...agentBundle(outdir), sourcemap: false, plugins: [replacing(mutant)] });
  cpSync(join(ROOT, 'agent/src/adapters/migrations'), join(outdir, 'migrations'), { recursive: true });
  return join(outdir, 'ringfleet-agent.mjs');
}

/** Throws when the text is not there exactly once: a mutant that mutates nothing proves nothing. */
function replacing({ name, file, from, to }: Mutant): Plugin {
  const path = join(ROOT, file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${name}: "${from}" is not once in ${file}`);
  const contents = source.replace(from, () => to);
  return {
    name,
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, (args) => (args.path === path ? { contents, loader: 'ts' } : null));
    },
  };
}
