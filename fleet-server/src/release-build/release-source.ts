import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { Name, Version } from '@ringfleet/shared/protocol';
import { Datatype, Expectation, FeatureSpec, RequestExpectation } from '@ringfleet/shared/release';
import { PostStep, PreStep } from '@ringfleet/shared/steps';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { messageOf } from './source-error.ts';

const closed = { additionalProperties: false };
const Path = Type.String({ minLength: 1, maxLength: 1_000 });
const TensorName = Type.String({ minLength: 1, maxLength: 128 });

/** As the manifest has it, but a key that nobody reads is an error here. */
const Feature = Type.Object(
  { ...FeatureSpec.properties, expect: Type.Optional(Type.Object(Expectation.properties, closed)) },
  closed,
);

const Requests = Type.Object(
  {
    ...RequestExpectation.properties,
    perHour: Type.Optional(Type.Object(RequestExpectation.properties.perHour.properties, closed)),
  },
  closed,
);

/** `release.yaml`: everything that a build needs besides the files it names. */
export const ReleaseSource = Type.Object(
  {
    model: Name,
    version: Version,
    description: Type.String({ maxLength: 2_000 }),
    license: Type.String({ maxLength: 200 }),
    variants: Type.Array(
      Type.Object(
        {
          name: Name,
          /** The ONNX file that is shipped; inside of the folder. */
          file: Path,
          /** The model before quantization: compared against, not shipped. */
          reference: Type.Optional(Path),
          providers: Type.Array(Name, { minItems: 1, maxItems: 8 }),
        },
        closed,
      ),
      { minItems: 1, maxItems: 16 },
    ),
    labels: Type.Optional(
      Type.Object(
        {
          output: TensorName,
          names: Type.Array(Type.String({ maxLength: 128 }), { minItems: 2, maxItems: 1024 }),
        },
        closed,
      ),
    ),
    data: Type.Object(
      {
        /** The columns of one sample, per input of the model. */
        inputs: Type.Record(
          TensorName,
          Type.Array(Type.String({ maxLength: 128 }), { minItems: 1, maxItems: 65_536 }),
        ),
        label: Type.Optional(Type.String({ maxLength: 128 })),
        /** CSV of training data: the profile is made of it. */
        reference: Type.Optional(Path),
        /** Whether its rows follow each other as they will on a device. */
        isOrdered: Type.Optional(Type.Boolean()),
        acceptance: Type.Optional(
          Type.Object(
            {
              file: Path,
              metric: Type.Literal('accuracy'),
              minimum: Type.Number({ minimum: 0, maximum: 1 }),
            },
            closed,
          ),
        ),
      },
      closed,
    ),
    pre: Type.Optional(Type.Array(PreStep, { maxItems: 16 })),
    post: Type.Optional(Type.Array(PostStep, { maxItems: 16 })),
    /** What a request gives where `pre` makes another datatype or shape of it; -1 for the free first axis. */
    inputs: Type.Optional(
      Type.Record(
        TensorName,
        Type.Object(
          {
            datatype: Datatype,
            shape: Type.Array(Type.Integer({ minimum: -1, maximum: 0x7fffffff }), { maxItems: 8 }),
          },
          closed,
        ),
      ),
    ),
    features: Type.Optional(Type.Array(Feature, { maxItems: 256 })),
    requests: Type.Optional(Requests),
    limits: Type.Object(
      {
        inferMs: Type.Integer({ minimum: 1, maximum: 3_600_000 }),
        loadMs: Type.Integer({ minimum: 1, maximum: 3_600_000 }),
        memoryBytes: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
        maxBatch: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_536 })),
      },
      closed,
    ),
    lineage: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), Type.Unknown())),
  },
  closed,
);
export type ReleaseSource = Static<typeof ReleaseSource>;

const FILE_NAME = 'release.yaml';
const validator = Compile(ReleaseSource);

/** Reads `release.yaml` of a folder. Throws RELEASE_SOURCE_INVALID naming line and field. */
export async function readReleaseSource(folder: string): Promise<ReleaseSource> {
  const path = join(folder, FILE_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new CodedError('RELEASE_SOURCE_INVALID', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  const source = parse(text);
  const label = source.data.label;
  if (source.data.acceptance && (!source.labels || label === undefined)) {
    throw invalid('an acceptance set needs `labels` and `data.label`', '/data');
  }
  if (!source.data.acceptance && source.data.reference === undefined) {
    throw invalid('name `data.reference` or `data.acceptance`: samples are taken from them', '/data');
  }
  return source;
}

function parse(text: string): ReleaseSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problem = document.errors[0];
  if (problem) {
    const { line } = lines.linePos(problem.pos[0]);
    throw invalid(`line ${line}: ${problem.message}`, `${FILE_NAME}:${line}`);
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (validator.Check(value)) return value;
  const error = validator.Errors(value)[0];
  const field = error?.instancePath ?? '';
  const line = lineOf(document, field, lines);
  throw invalid(
    `line ${line}, ${field || 'the file'}: ${error?.message ?? 'is not valid'}`,
    `${FILE_NAME}:${line}`,
  );
}

/** Line of the field at a JSON pointer, or of the nearest thing around it that is there. */
function lineOf(document: Document, pointer: string, lines: LineCounter): number {
  for (let path = pointer.split('/').slice(1); path.length > 0; path = path.slice(0, -1)) {
    const node: unknown = document.getIn(path, true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      return lines.linePos(node.range[0]).line;
    }
  }
  return 1;
}

const invalid = (message: string, at: string): CodedError =>
  new CodedError('RELEASE_SOURCE_INVALID', `${FILE_NAME}: ${message}`, { at });
