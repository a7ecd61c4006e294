import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AGENT_VERSION } from '../../agent/src/version.ts';
import { AGENT_PACKAGE } from './agent-package.ts';
import { buildDeb, buildTarball } from './deb.ts';
import { stageAgent } from './stage-agent.ts';
import { ARCHES, type DebArch, ROOT, runTool } from './tools.ts';

const HELP = `npm run package -- [--arch amd64,arm64] [--only agent] [--out dist] [--version V] [--fast]

Builds, without needing root: for each architecture the agent's .deb and tarball with their own Node and ONNX Runtime.
The same commit gives the same bytes. --fast compresses less; for tests.
`;

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'amd64,arm64' },
    only: { type: 'string', default: 'agent' },
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
