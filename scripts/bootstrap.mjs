#!/usr/bin/env node
// The one door of every public npm script. Plain JavaScript for Node >= 20 without dependencies: it installs what the
// lockfile names, builds what changed, and then runs the command on the Node that the packages need.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MINIMUM = [22, 22];
const PARENT_LOOK_MS = 500;
const COMMANDS = {
  setup: { program: null, needsBuild: true },
  demo: { program: 'scripts/demo/main.ts', needsBuild: true },
  test: { program: 'scripts/test.ts', needsBuild: true },
  soak: { program: 'scripts/soak.ts', needsBuild: true },
  package: { program: 'scripts/package/main.ts', needsBuild: true },
  attacks: { program: 'test/attacks/main.ts', needsBuild: false },
  faults: { program: 'test/faults/main.ts', needsBuild: true },
  simulate: { program: 'test/simulation/main.ts', needsBuild: false },
  bench: { program: 'scripts/bench/main.ts', needsBuild: true },
};

const [command = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(COMMANDS, command)) {
  fail(2, `unknown command "${command}"; use one of: ${Object.keys(COMMANDS).join(', ')}`);
}
process.chdir(ROOT);
// onnxruntime-node's install script would fetch GPU libraries from another host; npm < 11 ignores allowScripts.
process.env.ONNXRUNTIME_NODE_INSTALL = 'skip';
process.env.ORT_DISABLE_TELEMETRY = '1';

install();
const node = chooseNode();
if (COMMANDS[command].needsBuild) build(node);
const { program } = COMMANDS[command];
if (program) process.exitCode = await runToItsEnd(node, ['--conditions=source', program, ...args]);

/** `npm ci`, once per lockfile. */
function install() {
  const wanted = digestOf(['package-lock.json', ...manifests()]);
  const stamp = join('node_modules', '.ringfleet-installed');
  if (readStamp(stamp) === wanted) return;
  say('installing packages (npm ci) ...');
  const npm = process.env.npm_execpath;
  const npmArgs = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const status = npm ? run(process.execPath, [npm, ...npmArgs]) : run('npm', npmArgs);
  if (status !== 0) {
    fail(
      1,
      'npm ci failed. Check that the npm registry can be reached and that the disk has 1 GB free, then run this again.',
    );
  }
  writeFileSync(stamp, wanted);
}

/** Bundles and dashboard, once per state of the sources. */
function build(nodePath) {
  const wanted = digestOf(['package-lock.json', 'scripts/build.ts', 'scripts/bundles.ts', ...sources()]);
  const stamp = join('node_modules', '.ringfleet-built');
  if (readStamp(stamp) === wanted && existsSync('agent/dist/ringfleet-agent.mjs')) return;
  say('building ...');
  if (run(nodePath, ['--conditions=source', 'scripts/build.ts']) !== 0)
    fail(1, 'the build failed; see the lines above');
  writeFileSync(stamp, wanted);
}

/** The packaged Node 24 where it runs, else this one when it is new enough. */
function chooseNode() {
  const packaged = join(ROOT, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(packaged) && spawnSync(packaged, ['--version']).status === 0) {
    process.env.PATH = `${dirname(packaged)}:${process.env.PATH}`;
    return packaged;
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return process.execPath;
  return fail(
    2,
    `Node ${process.versions.node} is too old and the packaged one does not run here. Install Node >= ${MINIMUM.join('.')} and run this again.`,
  );
}

function manifests() {
  return ['.', 'shared', 'agent', 'fleet-server', 'fleet-server/dashboard'].map((folder) =>
    join(folder, 'package.json'),
  );
}

function sources() {
  const roots = ['shared/src', 'agent/src', 'fleet-server/src', 'fleet-server/dashboard'];
  return roots.flatMap((root) => filesBelow(root)).sort();
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ['dist', 'node_modules'].includes(entry.name) ? [] : filesBelow(path);
    return entry.name === 'api-types.ts' ? [] : [path];
  });
}

function digestOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    hash.update(relative('.', path)).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

function run(program, programArgs) {
  mkdirSync('node_modules', { recursive: true });
  const { status, signal, error } = spawnSync(program, programArgs, { stdio: 'inherit' });
  if (error) fail(1, `${program}: ${error.message}`);
  return status ?? (signal === 'SIGINT' ? 130 : 1);
}

/** The program cleans up after itself, so that whoever ends this one ends that one and waits for it. */
function runToItsEnd(nodePath, programArgs) {
  const child = spawn(nodePath, programArgs, { stdio: 'inherit' });
  // A terminal sends SIGINT to both.
  process.on('SIGINT', () => undefined);
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  // npm tells the shell between it and this program, which goes and says nothing.
  const parent = process.ppid;
  const isGone = () => process.env.npm_lifecycle_event !== undefined && process.ppid !== parent;
  setInterval(() => isGone() && child.kill('SIGTERM'), PARENT_LOOK_MS).unref();
  return new Promise((resolve) => {
    child.once('error', (error) => fail(1, `${nodePath}: ${error.message}`));
    child.once('exit', (status, signal) => resolve(status ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

function say(text) {
  process.stderr.write(`ringfleet: ${text}\n`);
}

function fail(code, text) {
  say(text);
  process.exit(code);
}
