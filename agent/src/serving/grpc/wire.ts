import { CodedError } from '@ringfleet/shared/errors';

/** Wire types of protocol buffers; groups are not among what this server reads. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/**
 * How much of one request the agent's loop takes apart, over all its messages; without a bound, one client could keep it
 * from everybody else. A raw tensor, or one of floats, is one field however large it is.
 */
export class WorkBudget {
  #fields = 100_000;
  /** Numbers as varints are turned into bytes one by one: some 10 to 30 ms for so many. */
  #varintBytes = 1024 * 1024;

  spendField(): void {
    this.#fields -= 1;
    if (this.#fields < 0) throw new CodedError('REQUEST_INVALID', 'the message has too many fields');
  }

  spendVarints(bytes: number): void {
    this.#varintBytes -= bytes;
    if (this.#varintBytes < 0) {
      throw new CodedError('REQUEST_TOO_LARGE', 'send so many integers in raw_input_contents');
    }
  }
}

/**
 * Visits the fields of one message. `raw` is the value as it stands in the bytes, without copying: a varint's bytes, a
 * fixed value's, or the content of a length-delimited field. Throws REQUEST_INVALID.
 */
export function readFields(
  bytes: Buffer,
  budget: WorkBudget,
  visit: (field: number, type: number, raw: Buffer) => void,
): void {
  let at = 0;
  while (at < bytes.length) {
    budget.spendField();
    const tagEnd = endOfVarint(bytes, at);
    const tag = numberOf(bytes.subarray(at, tagEnd));
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (field === 0 || tag > 0xffff_ffff) throw broken();
    let start = tagEnd;
    let end: number;
    if (type === VARINT) end = endOfVarint(bytes, start);
    else if (type === FIXED64) end = start + 8;
    else if (type === FIXED32) end = start + 4;
    else if (type === BYTES) {
      const lengthEnd = endOfVarint(bytes, start);
      const length = numberOf(bytes.subarray(start, lengthEnd));
      start = lengthEnd;
      end = start + length;
    } else throw broken();
    if (end > bytes.length) throw broken();
    visit(field, type, bytes.subarray(start, end));
    at = end;
  }
}

/** A varint as a number; above 2^53 it is not exact, and negative numbers come out as such large ones. */
export function numberOf(raw: Buffer): number {
  let value = 0;
  let scale = 1;
  for (const byte of raw) {
    value += (byte & 0x7f) * scale;
    scale *= 128;
  }
  return value;
}

/** A repeated varint field's values, packed or one by one. */
export function numbersOfVarints(raw: Buffer): number[] {
  const values: number[] = [];
  for (let at = 0; at < raw.length; ) {
    const end = endOfVarint(raw, at);
    values.push(numberOf(raw.subarray(at, end)));
    at = end;
  }
  return values;
}

export function endOfVarint(bytes: Buffer, start: number): number {
  for (let at = start; at < bytes.length && at < start + 10; at++) {
    if ((bytes[at] as number) < 0x80) return at + 1;
  }
  throw broken();
}

/** Builds one message, field by field. Defaults of proto3 are left out, as every encoder does. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];

  uint(field: number, value: number): this {
    if (value > 0) this.#parts.push(varint(field * 8 + VARINT), varint(value));
    return this;
  }

  bool(field: number, value: boolean): this {
    return this.uint(field, value ? 1 : 0);
  }

  text(field: number, value: string): this {
    return value === '' ? this : this.bytes(field, Buffer.from(value, 'utf8'));
  }

  /** Also an empty value is written: in a repeated field it counts. */
  bytes(field: number, value: Uint8Array): this {
    this.#parts.push(varint(field * 8 + BYTES), varint(value.length), value);
    return this;
  }

  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.finish());
  }

  /** int64 values, packed; -1 takes ten bytes, as the format has it. */
  ints(field: number, values: readonly number[]): this {
    return values.length === 0 ? this : this.bytes(field, Buffer.concat(values.map(varint)));
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const broken = (): CodedError => new CodedError('REQUEST_INVALID', 'the message is not a protocol buffer');
