import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import type { ReferenceProfile, Variant } from '@ringfleet/shared/release';
import { type ModelSession, openModelSession } from '../adapters/model-session.ts';
import { predictTable, shareEqual } from './evaluate.ts';
import { checkSameSignature, type IoSignature, ioSignature } from './io-signature.ts';
import { referenceProfile } from './reference-profile.ts';
import type { ReleaseSource } from './release-source.ts';
import { writeAcceptance, writeConformance } from './sample-files.ts';
import { modelFile } from './source-path.ts';
import type { SourceTables } from './source-tables.ts';

/** The quantized model beside the one it was made from, on the acceptance set. */
export interface Comparison {
  readonly samples: number;
  /** Share of samples on which both predict the same class. */
  readonly agreement: number;
  readonly accuracy: number;
  readonly referenceAccuracy: number;
}

export interface BuiltVariant {
  readonly variant: Variant;
  readonly io: IoSignature;
  readonly runtime: string;
  readonly accuracy: number | null;
  readonly comparison: Comparison | null;
  readonly profile: ReferenceProfile | null;
  readonly conformanceCount: number;
  readonly acceptanceCount: number;
}

export interface VariantBuild {
  /** Folder of `release.yaml`. */
  readonly folder: string;
  readonly source: ReleaseSource;
  readonly variant: ReleaseSource['variants'][number];
  /** The data, read at the first call: which inputs are text is known once a model is open. */
  readonly tables: (textInputs: ReadonlySet<string>) => Promise<SourceTables>;
  readonly staging: string;
  /** The first variant: samples and profile are recorded with it, the others must have its inputs and outputs. */
  readonly first: BuiltVariant | undefined;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
  readonly runLimitMs: number;
}

/** Copies a variant's model into the release, runs it there as a device would, and records what came of it. */
export async function buildVariant(build: VariantBuild): Promise<BuiltVariant> {
  const { source, variant, staging, progress } = build;
  const field = `variants.${variant.name}`;
  const entry = `models/${variant.name}/model.onnx`;
  const target = join(staging, entry);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(await modelFile(build.folder, variant.file, `${field}.file`), target);
  const session = await open(build, target, `${field}.file (${variant.file})`);
  try {
    const io = ioSignature(session, source);
    if (build.first) checkSameSignature(field, build.first.io, io);
    const tables = await build.tables(textInputs(io));
    const predicted = await accept(build, session, io, tables);
    const comparison = predicted && (await compare(build, io, predicted, tables));
    const samples = tables.acceptance?.table ?? tables.reference?.table;
    if (!samples)
      throw new CodedError('RELEASE_SOURCE_INVALID', 'release.yaml: there are no samples', { at: '/data' });
    const isFirst = build.first === undefined;
    if (isFirst) progress(`${variant.name}: recording samples and the reference profile`);
    return {
      variant: {
        name: variant.name,
        entry,
        files: [entry],
        constraints: { providers: variant.providers, memoryBytes: source.limits.memoryBytes },
        session: { intraOpThreads: 1 },
        // Built and tried on the processor only; other providers are proven by the first device that has them.
        isProven: variant.providers.includes('cpu'),
      },
      io,
      runtime: session.runtime,
      accuracy: predicted?.accuracy ?? null,
      comparison,
      profile:
        isFirst && tables.reference
          ? await referenceProfile(session, io, tables.reference.table, source, progress)
          : null,
      conformanceCount: isFirst
        ? await writeConformance(join(staging, 'conformance'), source, session, io, samples)
        : build.first.conformanceCount,
      acceptanceCount:
        isFirst && tables.acceptance
          ? await writeAcceptance(
              join(staging, 'acceptance'),
              io,
              tables.acceptance.table,
              tables.acceptance.labels,
            )
          : 0,
    };
  } finally {
    await session.close();
  }
}

const textInputs = (io: IoSignature): ReadonlySet<string> =>
  new Set(io.inputs.filter((input) => input.datatype === 'BYTES').map((input) => input.name));

interface Accepted {
  readonly predicted: readonly number[];
  readonly accuracy: number;
}

/** The model's own minimum on its acceptance set. Throws RELEASE_ACCEPTANCE_FAILED. */
async function accept(
  build: VariantBuild,
  session: ModelSession,
  io: IoSignature,
  tables: SourceTables,
): Promise<Accepted | null> {
  const { labels, data } = build.source;
  const set = tables.acceptance;
  if (!labels || !data.acceptance || !set) return null;
  const predicted = await predictTable(session, io, set.table, labels);
  const { right, share } = shareEqual(predicted, set.labels);
  const facts = `${build.variant.name}: ${right} of ${set.labels.length} acceptance samples are right (${percent(share)})`;
  if (share < data.acceptance.minimum) {
    throw new CodedError(
      'RELEASE_ACCEPTANCE_FAILED',
      `${facts}, below the minimum ${percent(data.acceptance.minimum)}`,
      {
        at: 'data.acceptance.minimum',
      },
    );
  }
  build.progress(`${facts}, minimum ${percent(data.acceptance.minimum)}`);
  return { predicted, accuracy: share };
}

/** Runs the model before quantization on the same set; null when there is none. */
async function compare(
  build: VariantBuild,
  io: IoSignature,
  ours: Accepted,
  tables: SourceTables,
): Promise<Comparison | null> {
  const { variant, source, folder } = build;
  if (variant.reference === undefined || !source.labels || !tables.acceptance) return null;
  const field = `variants.${variant.name}.reference`;
  const file = await modelFile(folder, variant.reference, field);
  const session = await open(build, file, `${field} (${variant.reference})`);
  try {
    checkSameSignature(field, io, ioSignature(session, source));
    const predicted = await predictTable(session, io, tables.acceptance.table, source.labels);
    const agreement = shareEqual(predicted, ours.predicted).share;
    const referenceAccuracy = shareEqual(predicted, tables.acceptance.labels).share;
    build.progress(
      `${variant.name}: agrees with ${variant.reference} on ${percent(agreement)}; accuracy ${percent(ours.accuracy)}, before quantization ${percent(referenceAccuracy)}`,
    );
    return { samples: predicted.length, agreement, accuracy: ours.accuracy, referenceAccuracy };
  } finally {
    await session.close();
  }
}

/** Loading competes with everything else on a build machine. */
const LEAST_LOAD_MS = 10_000;

async function open(build: VariantBuild, path: string, what: string): Promise<ModelSession> {
  const limits = { loadMs: Math.max(build.source.limits.loadMs, LEAST_LOAD_MS), runMs: build.runLimitMs };
  build.progress(`${build.variant.name}: loading ${path.split('/').at(-1)}`);
  try {
    return await openModelSession(path, limits, build.signal);
  } catch (err) {
    if (!(err instanceof CodedError) || err.code !== 'MODEL_LOAD_FAILED') throw err;
    throw new CodedError('MODEL_LOAD_FAILED', `${what}: ${err.message}`, { cause: err, at: what });
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
