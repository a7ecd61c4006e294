import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AGENT_VERSION } from '../../agent/src/version.ts';
import { buildDeb, buildTarball } from './deb.ts';
import { AGENT_PACKAGE, SERVER_PACKAGE } from './descriptions.ts';
import { npm } from './npm-package.ts';
import { stageAgent } from './stage-agent.ts';
import { stageCli, stageServer } from './stage-server.ts';
import { ARCHES, type DebArch, ROOT, runTool } from './tools.ts';

const HELP = `npm run package -- [--arch amd64,arm64] [--only agent,server,cli] [--out dist] [--version V] [--fast]

Builds, without needing root: for each architecture the agent's .deb and tarball and the server's .deb, with their own
Node and ONNX Runtime, and the command line as an npm package.
The same commit gives the same bytes; SOURCE_DATE_EPOCH stands in for the commit's time. --fast compresses nothing, builds no
tarball, and packs what was built last; for tests.
`;

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'amd64,arm64' },
    only: { type: 'string', default: 'agent,server,cli' },
    out: { type: 'string', default: 'dist' },
    version: { type: 'string', default: AGENT_VERSION },
    fast: { type: 'boolean', default: false },
    help: { type: 'boolean' },
  },
});
if (values.help) process.stdout.write(HELP);
else for (const file of build()) say(file);

function build(): string[] {
  const { version, fast: isFast } = values;
  const out = resolve(ROOT, values.out);
  mkdirSync(out, { recursive: true });
  const epoch = process.env['SOURCE_DATE_EPOCH'] ?? runTool('git', ['log', '-1', '--format=%ct']).trim();
  const common = { version, isFast, epoch };
  // The bundles hold the time of their build, the least that a device takes the time to be: here that of the commit.
  if (!isFast) {
    const builder = ['--conditions=source', 'scripts/build.ts'];
    runTool(process.execPath, builder, { env: { SOURCE_DATE_EPOCH: epoch } });
  }
  const arches = values.arch.split(',').map(asArch);
  const parts = values.only.split(',');
  const files: string[] = [];
  for (const arch of parts.includes('agent') ? arches : []) {
    const dir = join(out, 'stage', `agent-${arch}`);
    rmSync(dir, { recursive: true, force: true });
    const stage = stageAgent(dir, arch);
    files.push(buildDeb(stage, out, { ...AGENT_PACKAGE, ...common, arch }));
    const top = `ringfleet-agent-${version}-linux-${arch}`;
    if (!isFast) files.push(buildTarball(stage, join(out, `${top}.tar.gz`), top, epoch));
  }
  for (const arch of parts.includes('server') ? arches : []) {
    const dir = join(out, 'stage', `server-${arch}`);
    rmSync(dir, { recursive: true, force: true });
    files.push(buildDeb(stageServer(dir, arch), out, { ...SERVER_PACKAGE, ...common, arch }));
  }
  if (parts.includes('cli')) {
    const dir = join(out, 'stage', 'cli');
    rmSync(dir, { recursive: true, force: true });
    stageCli(dir, version);
    const [packed] = JSON.parse(npm(['pack', '--json', '--silent', '--pack-destination', out], dir)) as {
      filename: string;
    }[];
    files.push(join(out, packed?.filename ?? ''));
  }
  return files;
}

function asArch(name: string): DebArch {
  if (name in ARCHES) return name as DebArch;
  throw new Error(`--arch ${name}: use ${Object.keys(ARCHES).join(' or ')}`);
}

function say(file: string): void {
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  process.stdout.write(`${relative(ROOT, file)}  ${megabytes} MB\n`);
}
