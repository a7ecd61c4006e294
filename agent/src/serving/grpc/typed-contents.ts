import { CodedError } from '@ringfleet/shared/errors';
import type { Datatype } from '@ringfleet/shared/release';
import { ELEMENT_BYTES } from '@ringfleet/shared/v2';
import { endOfVarint, readFields, type WorkBudget } from './wire.ts';

interface Kind {
  readonly field: number;
  readonly name: string;
}

/** Which field of InferTensorContents holds a datatype. FP16 has none: the protocol sends it raw. */
const FIELD: Partial<Record<Datatype, Kind>> = {
  BOOL: { field: 1, name: 'bool_contents' },
  INT8: { field: 2, name: 'int_contents' },
  INT16: { field: 2, name: 'int_contents' },
  INT32: { field: 2, name: 'int_contents' },
  INT64: { field: 3, name: 'int64_contents' },
  UINT8: { field: 4, name: 'uint_contents' },
  UINT16: { field: 4, name: 'uint_contents' },
  UINT32: { field: 4, name: 'uint_contents' },
  UINT64: { field: 5, name: 'uint64_contents' },
  FP32: { field: 6, name: 'fp32_contents' },
  FP64: { field: 7, name: 'fp64_contents' },
  BYTES: { field: 8, name: 'bytes_contents' },
};

/** An InferTensorContents message as the raw little-endian bytes of its tensor. Throws REQUEST_INVALID, REQUEST_TOO_LARGE. */
export function bytesOfContents(
  tensor: string,
  datatype: Datatype,
  message: Buffer,
  budget: WorkBudget,
): Buffer {
  const kind = FIELD[datatype];
  if (!kind) {
    throw new CodedError('REQUEST_INVALID', `${tensor}: ${datatype} can only be sent in raw_input_contents`);
  }
  // Packed or not, what stands between the tags is the same encoding.
  const parts: Buffer[] = [];
  readFields(message, budget, (field, _type, raw) => {
    if (field > 8) return;
    if (field !== kind.field) {
      throw new CodedError('REQUEST_INVALID', `${tensor}: ${datatype} belongs into ${kind.name}`);
    }
    if (datatype === 'BYTES') parts.push(lengthOf(raw));
    parts.push(raw);
  });
  const joined = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  if (datatype === 'BYTES' || datatype === 'FP32' || datatype === 'FP64') return joined;
  budget.spendVarints(joined.length);
  return bytesOfVarints(tensor, datatype, joined);
}

function bytesOfVarints(tensor: string, datatype: Datatype, varints: Buffer): Buffer {
  let count = 0;
  for (const byte of varints) if (byte < 0x80) count += 1;
  const width = ELEMENT_BYTES[datatype];
  const out = Buffer.alloc(count * width);
  const isSigned = datatype.startsWith('INT');
  for (let at = 0, to = 0; at < varints.length; to += width) {
    let low = varints[at] as number;
    let high = 0;
    if (low < 0x80) at += 1;
    else {
      const end = endOfVarint(varints, at);
      [low, high] = wordsOf(varints, at, end);
      at = end;
    }
    if (datatype === 'BOOL') out[to] = low | high ? 1 : 0;
    else if (width === 8) {
      out.writeUInt32LE(low >>> 0, to);
      out.writeUInt32LE(high >>> 0, to + 4);
    } else if (width === 4) out.writeUInt32LE(low >>> 0, to);
    else {
      const value = isSigned ? low | 0 : low >>> 0;
      const limit = 2 ** (8 * width - (isSigned ? 1 : 0));
      if (value >= limit || value < (isSigned ? -limit : 0)) {
        throw new CodedError('REQUEST_INVALID', `${tensor}: ${value} is not a ${datatype}`);
      }
      if (width === 2) out.writeUInt16LE(value & 0xffff, to);
      else out[to] = value & 0xff;
    }
  }
  return out;
}

/** The two halves of the 64 bits that a varint stands for. */
function wordsOf(bytes: Buffer, start: number, end: number): [number, number] {
  let low = 0;
  let high = 0;
  for (let at = start, bit = 0; at < end; at++, bit += 7) {
    const group = (bytes[at] as number) & 0x7f;
    if (bit < 32) low |= group << bit;
    if (bit >= 28) high |= bit >= 32 ? group << (bit - 32) : group >> 4;
  }
  return [low, high];
}

function lengthOf(raw: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(raw.length);
  return length;
}
