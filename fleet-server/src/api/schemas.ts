import { type TSchema, Type } from 'typebox';

/** A list's query (DESIGN §12): at most 500 at a time. */
export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
  },
  { additionalProperties: false },
);

export const DEFAULT_LIMIT = 100;

/** The store's query of a route's. */
export function pageOf(query: { limit?: number; cursor?: string }): { limit: number; cursor?: string } {
  return {
    limit: query.limit ?? DEFAULT_LIMIT,
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  };
}

export const pageSchema = <S extends TSchema>(item: S) =>
  Type.Object({
    items: Type.Array(item),
    /** Give it as `cursor` for the next page; null at the end. */
    next: Type.Union([Type.String(), Type.Null()]),
  });

export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** A map from names to strings, in the form that client generators understand. */
export const StringMap = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: { type: 'string', maxLength: 63 },
  propertyNames: { type: 'string', minLength: 1, maxLength: 63 },
  maxProperties: 64,
});

/** A JSON object whose fields this route does not look into. */
export const AnyObject = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true });

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.String(),
    at: Type.Optional(Type.String()),
    remedy: Type.String(),
  },
  { description: 'RFC 9457, with the code of the error catalogue and what to do about it' },
);

/** The answers of a route: what it gives, and the problem for everything else. */
export const answers = <S extends TSchema, N extends 200 | 201 | 202 = 200>(schema: S, status?: N) =>
  ({
    [status ?? 200]: schema,
    default: { description: 'A problem', content: { 'application/problem+json': { schema: Problem } } },
  }) as unknown as { [K in N]: S };

/** The schemas' types are mutable, those of ports and core are not; the values are the same. */
export const asAnswer = <T>(value: T): Mutable<T> => value as Mutable<T>;

type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;
