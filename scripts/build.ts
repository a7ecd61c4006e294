import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { agentBundle, ROOT, serverBundle } from './bundles.ts';
import { configSchemas } from './config-schemas.ts';
import { errorDocs } from './error-docs.ts';
import { protocolDocs } from './protocol-docs.ts';

/** Bundles the programs and builds the dashboard. */
// Parts of earlier builds have other names and would stay.
await removeParts('agent/dist');
await Promise.all([
  build(agentBundle(join(ROOT, 'agent/dist'))),
  build(serverBundle(join(ROOT, 'fleet-server/dist'))),
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
