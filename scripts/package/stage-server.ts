import { stageNative, stageNode } from './runtime.ts';
import { runtimeClosure, Stage } from './stage.ts';
import { stageRuntime } from './stage-runtime.ts';
import type { DebArch } from './tools.ts';

const LIB = 'usr/lib/ringfleet-server';
const PACKAGING = 'fleet-server/packaging';
/** What the bundles leave outside because it reads files of its own; the native ones are staged apart. */
export const EXTERNAL = ['@fastify/swagger-ui', '@fastify/static', '@fastify/swagger', 'fastify', 'pino'];
const BUNDLES = /^(ringfleet|ringfleet-server|model-session)\.mjs$|^(migrations|dashboard)(\/|$)/;
/** Not for running: documentation, types, tests, maps. */
const BALLAST = /(^|\/)(test|tests|docs|examples|benchmarks|\.github)(\/|$)|\.(md|map|d\.[cm]?ts|ts)$/;

/** Everything that the server's package installs, the command line included. */
export function stageServer(dir: string, arch: DebArch): Stage {
  const stage = new Stage(dir);
  stageNode(stage, arch, LIB);
  stageNative(stage, arch, `${LIB}/server`);
  stage.copy('fleet-server/dist', `${LIB}/server`, (path) => BUNDLES.test(path) && !path.endsWith('.map'));
  for (const folder of runtimeClosure(EXTERNAL)) {
    // Where the closure nests a package, the package keeps its place.
    const place = folder.replace(/^fleet-server\/node_modules\//, 'node_modules/');
    stage.copy(
      folder,
      `${LIB}/server/${place}`,
      (path) => !BALLAST.test(path) && !path.startsWith('node_modules'),
    );
  }
  for (const name of ['ringfleet-server', 'ringfleet']) {
    stage.copy(`${PACKAGING}/${name}.sh`, `${LIB}/bin/${name}`);
    stage.link(`usr/bin/${name}`, `../lib/ringfleet-server/bin/${name}`);
  }
  stage.copy(`${PACKAGING}/ringfleet-server.service`, 'usr/lib/systemd/system/ringfleet-server.service');
  stage.copy(`${PACKAGING}/sysusers.conf`, 'usr/lib/sysusers.d/ringfleet-server.conf');
  stage.copy('docs/schemas/server.schema.json', 'usr/share/ringfleet-server/server.schema.json');
  stage.copy(`${PACKAGING}/server.yaml`, 'etc/ringfleet/server.yaml');
  stage.copy('LICENSE', 'usr/share/doc/ringfleet-server/copyright');
  stage.settle(['node', 'ringfleet-server', 'ringfleet'].map((name) => `${LIB}/bin/${name}`));
  return stage;
}

/** The command line as an npm package: for publishers and operators, whose machines have npm. */
export function stageCli(dir: string, version: string): Stage {
  const stage = new Stage(dir);
  stage.copy('fleet-server/dist', 'dist', (path) => /^(ringfleet|model-session)\.mjs$/.test(path));
  stage.copy('LICENSE', 'LICENSE');
  const manifest = {
    name: 'ringfleet',
    version,
    description: 'Build, sign and publish model releases, and steer a Ringfleet fleet',
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: '>=22.22' },
    os: ['linux', 'darwin'],
    bin: { ringfleet: 'dist/ringfleet.mjs' },
    files: ['dist', 'LICENSE'],
    ...stageRuntime(stage),
  };
  stage.write('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
  stage.settle(['dist/ringfleet.mjs']);
  return stage;
}
