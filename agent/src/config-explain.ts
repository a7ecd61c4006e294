import { CodedError } from '@ringfleet/shared/errors';
import type { TSchema } from 'typebox';
import { LineCounter, parseDocument } from 'yaml';

type Loose = TSchema & {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Loose>>;
  readonly items?: Loose;
  readonly anyOf?: readonly Loose[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly maxLength?: number;
};

/** Where a person wrote what a configuration does not take. */
export interface Source {
  readonly file: string;
  readonly text: string;
  /** Variables that set a key, by `section.key`. */
  readonly variables: ReadonlyMap<string, string>;
}

/** The same refusal with file and line (or the variable), the key, and what the key may be. */
export function explainInvalid(err: unknown, schema: TSchema, source: Source): unknown {
  if (!(err instanceof CodedError) || err.code !== 'CONFIG_INVALID' || !err.at?.startsWith('/')) return err;
  const path = err.at.slice(1).split('/').map(decodePointer);
  const key = path.join('.');
  const rule = ruleAt(schema as Loose, path);
  const what = rule ? `must be ${allowed(rule)}` : `is no key; there are ${siblings(schema as Loose, path)}`;
  const variable = source.variables.get(path.slice(0, 2).join('.'));
  // A rule that no schema can say comes with its own words.
  const isOfSchema = rule === undefined || err.message.startsWith('agent configuration:');
  const where = variable ? `environment, ${variable}` : `${source.file}${lineOf(source.text, path)}`;
  return new CodedError(
    'CONFIG_INVALID',
    isOfSchema ? `${where}: ${key} ${what}` : `${where}: ${err.message}`,
    { cause: err, at: err.at },
  );
}

/** What a value of this schema may be, for a person. */
export function allowed(schema: TSchema): string {
  const { type, anyOf, const: one, minimum, maximum, properties, items, pattern } = schema as Loose;
  if (one !== undefined) return String(one);
  if (anyOf) return `one of ${anyOf.map(allowed).join(', ')}`;
  switch (type) {
    case 'integer':
      return `an integer from ${minimum ?? 0} to ${maximum ?? Number.MAX_SAFE_INTEGER}`;
    case 'number':
      return `a number from ${minimum ?? 0} to ${maximum ?? Number.MAX_SAFE_INTEGER}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return pattern ? `a text that matches ${pattern}` : 'a text';
    case 'array':
      return `a list${items?.properties ? ` of maps with ${Object.keys(items.properties).join(', ')}` : ''}`;
    default:
      return `a map with ${Object.keys(properties ?? {}).join(', ')}`;
  }
}

function ruleAt(schema: Loose, path: readonly string[]): Loose | undefined {
  let at: Loose | undefined = schema;
  for (const step of path) at = at?.properties?.[step] ?? at?.items;
  return at;
}

function siblings(schema: Loose, path: readonly string[]): string {
  return Object.keys(ruleAt(schema, path.slice(0, -1))?.properties ?? {}).join(', ');
}

/** `:7`; nothing where the file does not hold the key, as for one that is missing. */
function lineOf(text: string, path: readonly string[]): string {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(
      path.slice(0, length).map((step) => (/^\d+$/.test(step) ? Number(step) : step)),
      true,
    ) as { readonly range?: readonly number[] } | undefined;
    const start = node?.range?.[0];
    if (start !== undefined) return `:${lines.linePos(start).line}`;
  }
  return '';
}

const decodePointer = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~');
