import { describe, expect, it } from 'vitest';
import { packStrings, textOf, unpackStrings } from './byte-strings.ts';
import { decodeInferRequest, encodeInferRequest } from './infer-request.ts';
import { numbersOf, type Tensor, tensorOf, typedArrayOf } from './tensor.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const decodeJson = (value: unknown) => decodeInferRequest(bytes(JSON.stringify(value)));
const one = (tensor: object) => ({
  inputs: [{ name: 'x', shape: [2], datatype: 'FP32', data: [1, 2], ...tensor }],
});

const EVERY_TYPE: Tensor[] = [
  tensorOf('bool', 'BOOL', [2], [1, 0]),
  tensorOf('u8', 'UINT8', [2], [0, 255]),
  tensorOf('u16', 'UINT16', [2], [0, 65_535]),
  tensorOf('u32', 'UINT32', [2], [0, 4_294_967_295]),
  tensorOf('u64', 'UINT64', [2], [0, Number.MAX_SAFE_INTEGER]),
  tensorOf('i8', 'INT8', [2], [-128, 127]),
  tensorOf('i16', 'INT16', [2], [-32_768, 32_767]),
  tensorOf('i32', 'INT32', [2], [-2_147_483_648, 7]),
  tensorOf('i64', 'INT64', [2], [Number.MIN_SAFE_INTEGER, 7]),
  tensorOf('f32', 'FP32', [1, 2], [0.1, -2.5e8]),
  tensorOf('f64', 'FP64', [2, 1], [0.1, -2.5e8]),
  { name: 'text', datatype: 'BYTES', shape: [3], data: packStrings(['', 'grüße', 'x']) },
];

describe('a V2 request', () => {
  it.each([true, false])('of every datatype comes back as it was, binary: %s', (binary) => {
    const wire = encodeInferRequest({ id: '7', inputs: EVERY_TYPE, outputs: ['y'] }, { binary });
    const request = decodeInferRequest(wire.body, wire.headerBytes);
    expect(request).toEqual({
      id: '7',
      inputs: EVERY_TYPE,
      outputs: [{ name: 'y', binary }],
      binaryDefault: binary,
    });
  });

  it('starts its binary part at a multiple of eight', () => {
    const wire = encodeInferRequest({ inputs: EVERY_TYPE }, { binary: true });
    expect((wire.headerBytes ?? 1) % 8).toBe(0);
  });

  it('may mix JSON and binary tensors, in order', () => {
    const header = JSON.stringify({
      inputs: [
        { name: 'a', shape: [1], datatype: 'INT8', parameters: { binary_data_size: 1 } },
        { name: 'b', shape: [2, 1], datatype: 'INT8', data: [[3], [4]] },
        { name: 'c', shape: [1], datatype: 'INT16', parameters: { binary_data_size: 2 } },
      ],
    });
    const { inputs } = decodeInferRequest(bytes(`${header}\x05\x06\x01`), header.length);
    expect(inputs.map((input) => Array.from(numbersOf(input)))).toEqual([[5], [3, 4], [262]]);
  });

  it('carries FP16 in binary and reads it as numbers', () => {
    const data = new Uint8Array(new Uint16Array([0x3c00, 0xc100, 0x0001, 0x7bff]).buffer);
    const half: Tensor = { name: 'h', datatype: 'FP16', shape: [4], data };
    const wire = encodeInferRequest({ inputs: [half] }, { binary: true });
    const [back] = decodeInferRequest(wire.body, wire.headerBytes).inputs;
    expect(Array.from(numbersOf(back as Tensor))).toEqual([1, -2.5, 2 ** -24, 65_504]);
  });

  it('says per output how it is wanted', () => {
    const outputs = [
      { name: 'a', parameters: { binary_data: false } },
      { name: 'b' },
      { name: 'c', parameters: { classification: 3 } },
    ];
    const request = decodeJson({ ...one({}), outputs, parameters: { binary_data_output: true } });
    expect(request.outputs).toEqual([
      { name: 'a', binary: false },
      { name: 'b', binary: true },
      { name: 'c', binary: false, classification: 3 },
    ]);
  });

  it.each([
    ['no object', []],
    ['no inputs', { inputs: [] }],
    ['inputs that are no list', { inputs: {} }],
    ['too many inputs', { inputs: new Array(65).fill(one({}).inputs[0]) }],
    ['a doubled input', { inputs: [one({}).inputs[0], one({}).inputs[0]] }],
    ['no name', one({ name: '' })],
    ['a name too long', one({ name: 'x'.repeat(129) })],
    ['an unknown datatype', one({ datatype: 'FP8' })],
    ['a datatype of the prototype', one({ datatype: 'constructor' })],
    ['a negative axis', one({ shape: [-2] })],
    ['a fractional axis', one({ shape: [0.5] })],
    ['too many axes', one({ shape: [1, 1, 1, 1, 1, 1, 1, 1, 2] })],
    ['too many elements', one({ shape: [65_536, 65_536] })],
    ['too few elements', one({ data: [1] })],
    ['too many elements for the shape', one({ data: [1, [2, 3]] })],
    ['arrays without end', one({ data: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) })],
    ['no data', one({ data: undefined })],
    ['text for a number', one({ data: [1, '2'] })],
    ['null for an integer', one({ datatype: 'INT8', data: [1, null] })],
    ['a number for text', one({ datatype: 'BYTES', data: ['a', 1] })],
    ['a fraction for an integer', one({ datatype: 'INT8', data: [1, 1.5] })],
    ['an integer out of range', one({ datatype: 'UINT8', data: [1, 256] })],
    ['an integer JSON cannot carry', one({ datatype: 'INT64', data: [1, 2 ** 53] })],
    ['two for a boolean', one({ datatype: 'BOOL', data: [true, 2] })],
    ['FP16 as JSON', one({ datatype: 'FP16' })],
    ['binary data that is not there', one({ data: undefined, parameters: { binary_data_size: 8 } })],
    ['data twice', one({ parameters: { binary_data_size: 0 } })],
    ['an id that is no text', { ...one({}), id: 1 }],
    ['outputs without names', { ...one({}), outputs: [{}] }],
    [
      'a classification of nothing',
      { ...one({}), outputs: [{ name: 'y', parameters: { classification: 0 } }] },
    ],
  ])('is refused with %s', (_what, value) => {
    expect(() => decodeJson(value)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
  });

  it('is refused when its binary part is too short, too long, or of another size than the shape', () => {
    const wire = encodeInferRequest({ inputs: [tensorOf('x', 'FP32', [2], [1, 2])] }, { binary: true });
    const { body, headerBytes = 0 } = wire;
    const longer = new Uint8Array(body.length + 1);
    longer.set(body);
    const other = bytes(new TextDecoder().decode(body).replace('"shape":[2]', '"shape":[1]'));
    for (const wrong of [body.subarray(0, body.length - 1), longer, other]) {
      expect(() => decodeInferRequest(wrong, headerBytes)).toThrow(
        expect.objectContaining({ code: 'REQUEST_INVALID' }),
      );
    }
    for (const length of [0, 1, body.length + 1, 2.5, Number.NaN]) {
      expect(() => decodeInferRequest(body, length)).toThrow(
        expect.objectContaining({ code: 'REQUEST_INVALID' }),
      );
    }
  });

  it('never throws anything but a code, whatever byte is changed', () => {
    const { body, headerBytes } = encodeInferRequest({ inputs: EVERY_TYPE }, { binary: true });
    for (let i = 0; i < body.length; i++) {
      const changed = body.slice();
      changed[i] = (changed[i] as number) ^ 0x15;
      try {
        for (const input of decodeInferRequest(changed, headerBytes).inputs) {
          if (input.datatype !== 'BYTES') typedArrayOf(input);
        }
      } catch (err) {
        expect(err).toMatchObject({ code: 'REQUEST_INVALID' });
      }
    }
  });
});

describe('BYTES elements', () => {
  it('are refused unless lengths and count fit exactly', () => {
    const packed = packStrings(['ab', 'c']);
    expect(unpackStrings(packed, 2).map(textOf)).toEqual(['ab', 'c']);
    for (const [data, count] of [
      [packed, 1],
      [packed, 3],
      [packed.subarray(0, 8), 2],
      [Uint8Array.of(255, 255, 255, 255), 1],
    ] as const) {
      expect(() => unpackStrings(data, count)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
    }
    expect(() => textOf(Uint8Array.of(0xff))).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
  });
});
