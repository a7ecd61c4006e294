import { CodedError } from '@ringfleet/shared/errors';
import type { FastifyInstance, FastifySchema } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';

const WHERE: Readonly<Record<string, string>> = {
  querystring: 'query',
  params: 'path',
  headers: 'header',
  body: 'body',
};

/**
 * Checks requests with TypeBox. Only what comes as text (query, path, headers) is converted to its type: in a JSON body
 * a null is a null and "5" is no number. Answers are written as they are; their schemas describe them.
 */
export function validateByTypeBox(app: FastifyInstance): void {
  app.setValidatorCompiler<FastifySchema>(({ schema, httpPart = 'body' }) => {
    const validator = Compile(schema as TSchema);
    return (given: unknown) => {
      const value = httpPart === 'body' ? given : Value.Convert(schema as TSchema, given);
      if (validator.Check(value)) return { value };
      const first = validator.Errors(value)[0];
      const field = first ? fieldOf(first) : '/';
      const message = `${field} ${first?.message ?? 'is not valid'}`;
      return {
        error: new CodedError('API_REQUEST_INVALID', message, { at: `${WHERE[httpPart] ?? ''}${field}` }),
      };
    };
  });
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
}

/** The field itself where TypeBox names the object around it. */
function fieldOf(error: { instancePath: string; params?: object }): string {
  const { additionalProperties, requiredProperties } = (error.params ?? {}) as Record<
    string,
    readonly string[] | undefined
  >;
  const name = additionalProperties?.[0] ?? requiredProperties?.[0];
  return name === undefined ? error.instancePath || '/' : `${error.instancePath}/${name}`;
}
