import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmPackage } from './npm-package.ts';
import type { Stage } from './stage.ts';

/** The library and its binding, for Linux and macOS; GPU libraries are not for building releases. */
const KEPT =
  /^(package\.json|dist(\/.*\.js)?|bin|bin\/napi-v6(\/(linux|darwin)(\/[a-z0-9]+)?)?|bin\/.*\/(onnxruntime_binding\.node|libonnxruntime(\.so)?\.1(\.dylib)?))$/;

/**
 * ONNX Runtime inside the command line's own package, for the one process that runs models while a release is built.
 * As a dependency it would fetch GPU libraries from another host when it is installed, and fail where that is out of reach.
 * Returns what the package's manifest says of it.
 */
export function stageRuntime(stage: Stage): {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bundleDependencies: readonly string[];
} {
  const ort = npmPackage('onnxruntime-node');
  const { name, version, license, main } = manifestOf(ort);
  stage.copy(ort, `node_modules/${name}`, (path) => KEPT.test(path));
  const common = manifestOf(npmPackage('onnxruntime-common'));
  stage.copy(
    npmPackage(common.name),
    `node_modules/${common.name}`,
    (path) => /^(package\.json|dist|dist\/cjs(\/.*)?)$/.test(path) && !/\.(map|d\.ts)$/.test(path),
  );
  const dependencies = { [common.name]: common.version };
  const withoutScripts = { name, version, license, main, dependencies };
  stage.write(`node_modules/${name}/package.json`, `${JSON.stringify(withoutScripts, null, 2)}\n`);
  return {
    dependencies: { [name]: version, ...dependencies },
    bundleDependencies: [name, common.name],
  };
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly main: string;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
