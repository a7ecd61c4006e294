/**
 * How to start the runner beside this program: from source when this file runs as source, else the bundle. Node's own
 * flags are not passed on: a debugger's port belongs to one process, and heap limits are about the agent's heap.
 */
export function runnerProgram(): { readonly path: URL; readonly execArgv: readonly string[] } {
  return import.meta.url.endsWith('.ts')
    ? { path: new URL('../runner/main.ts', import.meta.url), execArgv: ['--conditions=source'] }
    : { path: new URL('./runner.mjs', import.meta.url), execArgv: [] };
}
