import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type BuiltRelease, buildRelease } from '../../fleet-server/src/release-build/build-release.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODELS = join(ROOT, 'scripts/models');
const AGENT = join(ROOT, 'agent/src/main.ts');

/** Every folder MODEL/VERSION below scripts/models with a release.yaml. */
const SOURCES = readdirSync(MODELS)
  .flatMap((model) => versionsOf(model).map((version) => [model, version] as const))
  .filter(([model, version]) => existsSync(join(MODELS, model, version, 'release.yaml')));

let out: string;
const built = new Map<string, BuiltRelease>();

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'ringfleet-examples-'));
});
afterAll(() => rm(out, { recursive: true, force: true }));

it('finds all committed sources', () => {
  expect(SOURCES.map((one) => one.join('@')).toSorted()).toEqual([
    'breast-cancer@1.0.0',
    'meter-digits@1.0.0',
    'meter-digits@1.1.0',
    'meter-digits@1.2.0',
    'meter-digits@1.3.0',
  ]);
});

it.each(SOURCES)('builds %s %s with samples, a profile and its lineage', async (model, version) => {
  const release = await build(model, version);
  const { manifest, folder } = release;
  expect(manifest).toMatchObject({ model, version });
  expect(manifest.conformance.count).toBeGreaterThan(0);
  expect(manifest.acceptance?.count).toBeGreaterThan(0);
  expect(manifest.profile?.samples).toBeGreaterThan(200);
  expect(manifest.lineage).toHaveProperty('trainedWith');
  for (const { path } of manifest.files) expect(existsSync(join(folder, path)), path).toBe(true);
});

it('profiles every named feature of the tabular source, in its order', async () => {
  const text = readFileSync(join(MODELS, 'breast-cancer/1.0.0/release.yaml'), 'utf8');
  const names = (parse(text) as { features: { name: string }[] }).features.map(({ name }) => name);
  expect(names).toContain('mean_radius');
  const { manifest } = await build('breast-cancer', '1.0.0');
  expect(manifest.features.map(({ name }) => name)).toEqual(names);
  expect(manifest.profile?.features.map(({ name }) => name)).toEqual(names);
  for (const { name, counts, standardDeviation } of manifest.profile?.features ?? []) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    expect([name, total, standardDeviation > 0]).toEqual([name, manifest.profile?.samples, true]);
  }
});

it('answers labelled rows on the built tabular release, served without a fleet', async () => {
  const { folder, manifest } = await build('breast-cancer', '1.0.0');
  const rows = readTable(join(MODELS, 'breast-cancer/data/live.csv')).slice(0, 40);
  const child = spawn(
    process.execPath,
    ['--conditions=source', AGENT, 'serve', '--port', '0', '--json', folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    const line = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('exit', () => reject(new Error('serve ended before it served')));
    });
    const { url } = JSON.parse(line) as { url: string };
    let right = 0;
    for (const { values, label } of rows) {
      const inputs = [{ name: 'features', datatype: 'FP32', shape: [1, values.length], data: values }];
      const answer = await fetch(`${url}/v2/models/breast-cancer/infer`, {
        method: 'POST',
        body: JSON.stringify({ inputs }),
      });
      expect(answer.status).toBe(200);
      const { outputs } = (await answer.json()) as { outputs: [{ data: number[] }] };
      const [scores] = outputs.map(({ data }) => data);
      const best = scores?.indexOf(Math.max(...scores)) ?? -1;
      if (manifest.labels?.names[best] === label || String(best) === label) right += 1;
    }
    expect(right / rows.length).toBeGreaterThan(0.9);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
});

async function build(model: string, version: string): Promise<BuiltRelease> {
  const key = `${model}@${version}`;
  const known = built.get(key);
  if (known) return known;
  const release = await buildRelease({
    source: join(MODELS, model, version),
    out,
    nowMs: 0,
    progress: () => undefined,
    signal: new AbortController().signal,
  });
  built.set(key, release);
  return release;
}

function versionsOf(model: string): string[] {
  const folder = join(MODELS, model);
  return statSync(folder).isDirectory() ? readdirSync(folder) : [];
}

function readTable(path: string): { values: number[]; label: string }[] {
  const [, ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const cells = line.split(',');
    return { values: cells.slice(0, -1).map(Number), label: cells.at(-1) ?? '' };
  });
}
