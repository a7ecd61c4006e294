import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';

/** How the programs are bundled. Native packages and those that read their own files stay outside. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NATIVE = ['onnxruntime-node', 'better-sqlite3', 'koffi'];
const WITH_FILES_OF_THEIR_OWN = [
  '@fastify/swagger-ui',
  '@fastify/static',
  '@fastify/swagger',
  'fastify',
  'pino',
];

/** The whole second, or SOURCE_DATE_EPOCH where builds are compared byte by byte. */
const builtAtS = Number(process.env['SOURCE_DATE_EPOCH'] ?? Math.floor(Date.now() / 1000));

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22.22',
  format: 'esm',
  conditions: ['source'],
  outExtension: { '.js': '.mjs' },
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
  define: { __RINGFLEET_BUILD_MS__: String(builtAtS * 1000) },
  banner: {
    // CommonJS packages inside an ES module bundle call require().
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
};

/** The agent, its journal's thread and its runner, below `outdir`. */
export const agentBundle = (outdir: string): BuildOptions => ({
  ...common,
  entryPoints: {
    'ringfleet-agent': join(ROOT, 'agent/src/start.ts'),
    'otlp-worker': join(ROOT, 'agent/src/adapters/otlp-worker.ts'),
    'journal-worker': join(ROOT, 'agent/src/adapters/journal-worker.ts'),
    runner: join(ROOT, 'agent/src/runner/main.ts'),
  },
  outdir,
  external: NATIVE,
  // What a device does not use is not loaded, and what the three share is there once. Names stay readable in stacks.
  splitting: true,
  chunkNames: 'part-[name]-[hash]',
  minifyWhitespace: true,
  minifySyntax: true,
});

/** Server, command line and the program that runs models for it, below `outdir`. */
export const serverBundle = (outdir: string): BuildOptions => ({
  ...common,
  entryPoints: {
    'ringfleet-server': join(ROOT, 'fleet-server/src/main.ts'),
    ringfleet: join(ROOT, 'fleet-server/src/cli/main.ts'),
    'model-session': join(ROOT, 'fleet-server/src/adapters/model-session-main.ts'),
    'telemetry-reader': join(ROOT, 'fleet-server/src/adapters/store-sqlite/telemetry-reader-main.ts'),
  },
  outdir,
  external: [...NATIVE, ...WITH_FILES_OF_THEIR_OWN],
});
