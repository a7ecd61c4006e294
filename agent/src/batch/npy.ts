import type { FileHandle } from 'node:fs/promises';
import { CodedError } from '@ringfleet/shared/errors';
import type { Datatype } from '@ringfleet/shared/release';

export interface NpyHeader {
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly dataStart: number;
}

const DESCRIPTIONS: Readonly<Record<string, Datatype>> = {
  '|b1': 'BOOL',
  '|u1': 'UINT8',
  '<u2': 'UINT16',
  '<u4': 'UINT32',
  '<u8': 'UINT64',
  '|i1': 'INT8',
  '<i2': 'INT16',
  '<i4': 'INT32',
  '<i8': 'INT64',
  '<f2': 'FP16',
  '<f4': 'FP32',
  '<f8': 'FP64',
};
const MAX_HEADER_BYTES = 64 * 1024;

/** Reads the header of numpy's file format, versions 1 to 3. Throws SCORE_INPUT_INVALID. */
export async function readNpyHeader(file: FileHandle): Promise<NpyHeader> {
  const start = Buffer.alloc(12);
  const { bytesRead } = await file.read(start, 0, 12, 0);
  if (bytesRead < 12 || start.toString('latin1', 0, 6) !== '\x93NUMPY') throw invalid('it is no .npy file');
  const isFirst = start[6] === 1;
  const length = isFirst ? start.readUInt16LE(8) : start.readUInt32LE(8);
  const textStart = isFirst ? 10 : 12;
  if (length > MAX_HEADER_BYTES) throw invalid('its header is too long');
  const text = Buffer.alloc(length);
  if ((await file.read(text, 0, length, textStart)).bytesRead < length) throw invalid('its header is cut');
  const header = text.toString('latin1');
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '';
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const datatype = Object.hasOwn(DESCRIPTIONS, descr) ? DESCRIPTIONS[descr] : undefined;
  if (!datatype) throw invalid(`elements of ${descr || 'unknown type'} are not read; use .astype('<f4')`);
  if (!/'fortran_order':\s*False/.test(header)) throw invalid('use numpy.ascontiguousarray before saving');
  if (shape === undefined) throw invalid('its header says no shape');
  const axes = shape.split(',').flatMap((axis) => (axis.trim() ? [Number(axis)] : []));
  if (axes.length === 0) throw invalid('it holds one number, not rows');
  return { datatype, shape: axes, dataStart: textStart + length };
}

const invalid = (what: string): CodedError => new CodedError('SCORE_INPUT_INVALID', `the input: ${what}`);
