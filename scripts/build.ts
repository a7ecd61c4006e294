import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { configSchemas } from './config-schemas.ts';
import { errorDocs } from './error-docs.ts';
import { protocolDocs } from './protocol-docs.ts';

/** Bundles the programs and builds the dashboard. Native packages and those that read their own files stay outside. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
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

// Parts of earlier builds have other names and would stay.
await removeParts('agent/dist');
await Promise.all([
  build({
    ...common,
    entryPoints: {
      'ringfleet-agent': join(ROOT, 'agent/src/start.ts'),
      'journal-worker': join(ROOT, 'agent/src/adapters/journal-worker.ts'),
      runner: join(ROOT, 'agent/src/runner/main.ts'),
    },
    outdir: join(ROOT, 'agent/dist'),
    external: NATIVE,
    // What a device does not use is not loaded, and what the three share is there once. Names stay readable in stacks.
    splitting: true,
    chunkNames: 'part-[name]-[hash]',
    minifyWhitespace: true,
    minifySyntax: true,
  }),
  build({
    ...common,
    entryPoints: {
      'ringfleet-server': join(ROOT, 'fleet-server/src/main.ts'),
      ringfleet: join(ROOT, 'fleet-server/src/cli/main.ts'),
      'model-session': join(ROOT, 'fleet-server/src/adapters/model-session-main.ts'),
      'telemetry-reader': join(ROOT, 'fleet-server/src/adapters/store-sqlite/telemetry-reader-main.ts'),
    },
    outdir: join(ROOT, 'fleet-server/dist'),
    external: [...NATIVE, ...WITH_FILES_OF_THEIR_OWN],
  }),
  copyFolder('agent/src/adapters/migrations', 'agent/dist/migrations'),
  copyFolder('fleet-server/src/adapters/store-sqlite/migrations', 'fleet-server/dist/migrations'),
]);
await buildDashboard();
await writeFile(join(ROOT, 'docs/errors.md'), errorDocs());
await writeFile(join(ROOT, 'docs/protocol.md'), protocolDocs());
await mkdir(join(ROOT, 'docs/schemas'), { recursive: true });
for (const [name, schema] of Object.entries(configSchemas())) {
  await writeFile(join(ROOT, 'docs/schemas', name), `${JSON.stringify(schema, null, 2)}\n`);
}

async function buildDashboard(): Promise<void> {
  const openapi = join(ROOT, 'fleet-server/dist/openapi.json');
  const described = run(process.execPath, ['--conditions=source', 'fleet-server/src/api/openapi.ts']);
  await mkdir(join(ROOT, 'fleet-server/dist'), { recursive: true });
  await writeFile(openapi, described);
  run(process.execPath, [
    'fleet-server/node_modules/openapi-typescript/bin/cli.js',
    openapi,
    '-o',
    'fleet-server/dashboard/src/api-types.ts',
  ]);
  run(process.execPath, [
    'node_modules/vite/bin/vite.js',
    'build',
    'fleet-server/dashboard',
    '--logLevel',
    'warn',
  ]);
  await copyFolder('fleet-server/dashboard/dist/web', 'fleet-server/dist/dashboard');
}

async function removeParts(from: string): Promise<void> {
  const files = await readdir(join(ROOT, from)).catch(() => []);
  const parts = files.filter((file) => file.startsWith('part-'));
  await Promise.all(parts.map((file) => rm(join(ROOT, from, file), { force: true })));
}

async function copyFolder(from: string, to: string): Promise<void> {
  await rm(join(ROOT, to), { recursive: true, force: true });
  await cp(join(ROOT, from), join(ROOT, to), { recursive: true });
}

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}\n${stderr}\n${stdout}`);
  return stdout;
}
