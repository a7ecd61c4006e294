import { npmPackage } from './npm-package.ts';
import type { Stage } from './stage.ts';
import { ARCHES, type DebArch } from './tools.ts';

/** Its own Node, so that a device needs none. */
export function stageNode(stage: Stage, arch: DebArch, to: string): void {
  const node = npmPackage(`node-linux-${ARCHES[arch]}`);
  stage.copy(`${node}/bin/node`, `${to}/bin/node`);
  stage.copy(`${node}/LICENSE`, `${to}/licenses/node.txt`);
}

/** The native packages of one architecture, without sources, other systems, and scripts that fetch. */
export function stageNative(stage: Stage, arch: DebArch, to: string): void {
  const cpu = ARCHES[arch];
  const modules = `${to}/node_modules`;
  const ort = npmPackage('onnxruntime-node');
  // Of the prebuilt libraries the CPU's only: those of GPUs come with their drivers (docs/providers.md).
  stage.copy(
    ort,
    `${modules}/onnxruntime-node`,
    (path) =>
      /^(package\.json|dist(\/.*\.js)?|bin|bin\/napi-v6|bin\/napi-v6\/linux)$/.test(path) ||
      path === `bin/napi-v6/linux/${cpu}` ||
      [`onnxruntime_binding.node`, `libonnxruntime.so.1`].some(
        (file) => path === `bin/napi-v6/linux/${cpu}/${file}`,
      ),
  );
  stage.copy(
    npmPackage('onnxruntime-common'),
    `${modules}/onnxruntime-common`,
    (path) => /^(package\.json|dist|dist\/cjs(\/.*)?)$/.test(path) && !/\.(map|d\.ts)$/.test(path),
  );
  const sqlite = npmPackage('better-sqlite3');
  stage.copy(
    sqlite,
    `${modules}/better-sqlite3`,
    (path) =>
      /^(package\.json|LICENSE|lib(\/.*)?|prebuilds)$/.test(path) || path === `prebuilds/linux-${cpu}.node`,
  );
  const koffi = npmPackage('koffi');
  stage.copy(koffi, `${modules}/koffi`, (path) =>
    /^(package\.json|LICENSE\.txt|(index|indirect)\.c?js|src(\/koffi(\/src)?)?|src\/koffi\/.*\.c?js)$/.test(
      path,
    ),
  );
  stage.copy(
    npmPackage(`@koromix/koffi-linux-${cpu}`),
    `${modules}/@koromix/koffi-linux-${cpu}`,
    (path) => !path.startsWith('musl') && !path.endsWith('.md'),
  );
}
