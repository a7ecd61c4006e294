import { CodedError } from '@ringfleet/shared/errors';
import { isDatatype } from '@ringfleet/shared/v2';
import type { InferCall } from '../../ports/runtime.ts';
import { bytesOfContents } from './typed-contents.ts';
import { numberOf, numbersOfVarints, readFields, WorkBudget } from './wire.ts';

const MAX_TENSORS = 64;
const MAX_RANK = 8;
const MAX_TEXT = 256;
const MAX_PARAMETERS = 64;

export interface GrpcInferRequest {
  readonly model: string;
  readonly version: string | undefined;
  /** V2's request parameter, in microseconds. */
  readonly timeoutUs: number | undefined;
  /** Triton's request parameter. */
  readonly priority: number | undefined;
  /** The request as the runner takes it: V2's JSON header, then the tensors' bytes. */
  readonly call: InferCall;
}

interface Input {
  name: string;
  datatype: string;
  shape: number[];
  contents?: Buffer;
}

type Parameters = Map<string, number | undefined>;

/**
 * ModelInferRequest as a V2 binary body. Bytes are moved and lengths read; whether tensors fit the model is the
 * runner's to say. Throws REQUEST_INVALID, REQUEST_TOO_LARGE.
 */
export function readInferRequest(message: Buffer): GrpcInferRequest {
  const budget = new WorkBudget();
  const names = { model: '', version: '', id: '' };
  const parameters: Parameters = new Map();
  const inputs: Input[] = [];
  const outputs: object[] = [];
  const raw: Buffer[] = [];
  readFields(message, budget, (field, _type, value) => {
    if (field === 1) names.model = textOf(value);
    else if (field === 2) names.version = textOf(value);
    else if (field === 3) names.id = textOf(value);
    else if (field === 4) readParameter(value, budget, parameters);
    else if (field === 5) bounded(inputs, 'inputs').push(readInput(value, budget));
    else if (field === 6) bounded(outputs, 'outputs').push(readOutput(value, budget));
    else if (field === 7) bounded(raw, 'raw_input_contents').push(value);
  });
  const data = dataOf(inputs, raw, budget);
  const header = JSON.stringify({
    ...(names.id === '' ? {} : { id: names.id }),
    parameters: { binary_data_output: true },
    inputs: inputs.map(({ name, datatype, shape }, i) => ({
      name,
      datatype,
      shape,
      parameters: { binary_data_size: (data[i] as Buffer).length },
    })),
    ...(outputs.length === 0 ? {} : { outputs }),
  });
  return {
    model: names.model,
    version: names.version === '' ? undefined : names.version,
    timeoutUs: parameters.get('timeout'),
    priority: parameters.get('priority'),
    call: joined(header, data),
  };
}

function readInput(message: Buffer, budget: WorkBudget): Input {
  const input: Input = { name: '', datatype: '', shape: [] };
  readFields(message, budget, (field, _type, value) => {
    if (field === 1) input.name = textOf(value);
    else if (field === 2) input.datatype = textOf(value);
    else if (field === 3) {
      if (value.length > MAX_RANK * 10) throw new CodedError('REQUEST_INVALID', 'a shape is too long');
      input.shape.push(...numbersOfVarints(value));
      if (input.shape.length > MAX_RANK) throw new CodedError('REQUEST_INVALID', 'a shape is too long');
    } else if (field === 5) input.contents = value;
  });
  return input;
}

function readOutput(message: Buffer, budget: WorkBudget): object {
  let name = '';
  const parameters: Parameters = new Map();
  readFields(message, budget, (field, _type, value) => {
    if (field === 1) name = textOf(value);
    else if (field === 2) readParameter(value, budget, parameters);
  });
  const classification = parameters.get('classification');
  return { name, parameters: { binary_data: true, ...(classification ? { classification } : {}) } };
}

/** One entry of a map<string, InferParameter>; of the values only numbers are of use here. */
function readParameter(entry: Buffer, budget: WorkBudget, into: Parameters): void {
  let key = '';
  let number: number | undefined;
  readFields(entry, budget, (field, _type, value) => {
    if (field === 1) key = textOf(value);
    else if (field === 2) {
      readFields(value, budget, (choice, _choiceType, raw) => {
        if (choice === 2 || choice === 5) number = numberOf(raw);
        // Some clients send every parameter as text.
        else if (choice === 3) number = Number(textOf(raw));
      });
    }
  });
  if (into.size >= MAX_PARAMETERS) throw new CodedError('REQUEST_INVALID', 'there are too many parameters');
  into.set(key, number);
}

function dataOf(inputs: readonly Input[], raw: readonly Buffer[], budget: WorkBudget): readonly Buffer[] {
  if (raw.length === 0) {
    return inputs.map(({ name, datatype, contents }) => {
      if (!isDatatype(datatype)) {
        throw new CodedError('REQUEST_INVALID', `${name}: the datatype is not one of the protocol`);
      }
      return contents ? bytesOfContents(name, datatype, contents, budget) : Buffer.alloc(0);
    });
  }
  if (raw.length !== inputs.length) {
    throw new CodedError(
      'REQUEST_INVALID',
      `raw_input_contents holds ${raw.length} tensors, inputs names ${inputs.length}`,
    );
  }
  // An empty message is what some encoders write for "nothing".
  if (inputs.some(({ contents }) => contents && contents.length > 0)) {
    throw new CodedError('REQUEST_INVALID', 'contents and raw_input_contents exclude each other');
  }
  return raw;
}

/** Header padded to a multiple of 8, so that the first tensor is read in place. */
function joined(header: string, data: readonly Buffer[]): InferCall {
  const json = Buffer.from(header, 'utf8');
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const body = Buffer.allocUnsafeSlow(data.reduce((sum, part) => sum + part.length, headerBytes));
  json.copy(body);
  body.fill(0x20, json.length, headerBytes);
  let at = headerBytes;
  for (const part of data) at += part.copy(body, at);
  return { body, headerBytes };
}

function textOf(raw: Buffer): string {
  if (raw.length > MAX_TEXT) throw new CodedError('REQUEST_INVALID', 'a name is too long');
  return raw.toString('utf8');
}

function bounded<T>(list: T[], what: string): T[] {
  if (list.length >= MAX_TENSORS) {
    throw new CodedError('REQUEST_INVALID', `${what} has more than ${MAX_TENSORS} entries`);
  }
  return list;
}
