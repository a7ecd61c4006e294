import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { type Manifest, manifestBytes } from '@ringfleet/shared/release';
import { type BuiltVariant, buildVariant, type VariantBuild } from './build-variant.ts';
import { inStaging } from './output-folder.ts';
import { listReleaseFiles } from './release-files.ts';
import { type ReleaseSource, readReleaseSource } from './release-source.ts';
import { loadTables, type SourceTables } from './source-tables.ts';

export interface BuildOptions {
  /** Holds `release.yaml`. */
  readonly source: string;
  /** The release goes to `<out>/<model>-<version>`. */
  readonly out: string;
  readonly nowMs: number;
  /** How long one run may take on the build machine; by default ten times the release's limit. */
  readonly runLimitMs?: number;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface BuiltRelease {
  readonly folder: string;
  readonly manifest: Manifest;
  /** `sha256:<hex>` of the manifest. */
  readonly digest: string;
}

/** A busy build machine may be this much slower than the manifest's limit before a run counts as hanging. */
const PATIENCE = 10;
const LEAST_RUN_MS = 5_000;

/**
 * How far outputs may differ on another device: processors round int8 differently, and one step of an activation moves a
 * probability by about this much.
 */
const TOLERANCES = { absolute: 0.01, relative: 0.01 };

/**
 * Makes a release of a folder with `release.yaml`: runs every variant on its data, records samples and the reference
 * profile, and writes the manifest. Either the whole release appears in the output folder or nothing does. Throws
 * RELEASE_SOURCE_INVALID, RELEASE_ACCEPTANCE_FAILED, RELEASE_OUTPUT_EXISTS or what running the model throws.
 */
export async function buildRelease(options: BuildOptions): Promise<BuiltRelease> {
  const { progress } = options;
  const source = await readReleaseSource(options.source);
  progress(`building ${source.model} ${source.version}`);
  let loading: Promise<SourceTables> | undefined;
  const load = async (textInputs: ReadonlySet<string>): Promise<SourceTables> => {
    const loaded = await loadTables(options.source, source, textInputs);
    progress(
      `data: ${loaded.reference?.table.rows ?? 0} reference rows, ${loaded.acceptance?.table.rows ?? 0} labelled`,
    );
    return loaded;
  };
  const tables: VariantBuild['tables'] = (textInputs) => {
    loading ??= load(textInputs);
    return loading;
  };
  const final = join(options.out, `${source.model}-${source.version}`);
  return await inStaging(final, async (staging) => {
    const variants: BuiltVariant[] = [];
    for (const variant of source.variants) {
      variants.push(
        await buildVariant({
          folder: options.source,
          source,
          variant,
          tables,
          staging,
          first: variants[0],
          progress,
          signal: options.signal,
          runLimitMs: options.runLimitMs ?? Math.max(source.limits.inferMs * PATIENCE, LEAST_RUN_MS),
        }),
      );
    }
    const manifest = await describe(source, await tables(new Set()), variants, staging, options.nowMs);
    const bytes = manifestBytes(manifest);
    await writeFile(join(staging, 'manifest.json'), bytes);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    progress(`${manifest.files.length} files, manifest ${digest}`);
    return { folder: final, manifest, digest };
  });
}

async function describe(
  source: ReleaseSource,
  tables: SourceTables,
  variants: readonly BuiltVariant[],
  staging: string,
  nowMs: number,
): Promise<Manifest> {
  const first = variants[0];
  if (!first) throw new CodedError('RELEASE_SOURCE_INVALID', 'release.yaml: there is no variant');
  const { acceptance } = source.data;
  return {
    schema: 'ringfleet/manifest/1',
    model: source.model,
    version: source.version,
    createdAt: new Date(nowMs).toISOString(),
    description: source.description,
    license: source.license,
    files: await listReleaseFiles(staging),
    variants: variants.map((built) => built.variant),
    inputs: [...first.io.inputs],
    outputs: [...first.io.outputs],
    pre: [...first.io.pre],
    post: [...first.io.post],
    ...(source.labels ? { labels: source.labels } : {}),
    features: source.features ?? [],
    ...(source.requests ? { requests: source.requests } : {}),
    ...(first.profile ? { profile: first.profile } : {}),
    conformance: { path: 'conformance', count: first.conformanceCount, tolerances: TOLERANCES },
    ...(acceptance
      ? {
          acceptance: {
            path: 'acceptance',
            count: first.acceptanceCount,
            metric: acceptance.metric,
            minimum: acceptance.minimum,
          },
        }
      : {}),
    limits: {
      memoryBytes: source.limits.memoryBytes,
      loadMs: source.limits.loadMs,
      inferMs: source.limits.inferMs,
    },
    lineage: lineageOf(source, tables, variants, first.runtime),
  };
}

function lineageOf(
  source: ReleaseSource,
  tables: SourceTables,
  variants: readonly BuiltVariant[],
  runtime: string,
): Manifest['lineage'] {
  const compared = variants.filter((built) => built.comparison !== null);
  return {
    ...source.lineage,
    builtWith: { runtime: `onnxruntime ${runtime}` },
    ...(tables.reference
      ? { referenceData: { sha256: tables.reference.sha256, rows: tables.reference.table.rows } }
      : {}),
    ...(tables.acceptance
      ? {
          acceptance: Object.fromEntries(
            variants.map((built) => [
              built.variant.name,
              { samples: tables.acceptance?.table.rows, accuracy: built.accuracy },
            ]),
          ),
        }
      : {}),
    compared:
      compared.length === 0
        ? 'not compared'
        : Object.fromEntries(
            variants.map((built) => [built.variant.name, built.comparison ?? 'not compared']),
          ),
  };
}
