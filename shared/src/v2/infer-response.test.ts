import { describe, expect, it } from 'vitest';
import { decodeInferResponse, encodeInferResponse } from './infer-response.ts';
import { packSample, unpackSample } from './sample.ts';
import { type Tensor, tensorOf } from './tensor.ts';

const scores = tensorOf('scores', 'FP32', [1, 2], [0.25, 0.75]);
const label = tensorOf('label', 'INT64', [1], [1]);
const response = { id: 'a', modelName: 'tiny', modelVersion: '1.0.0', outputs: [scores, label] };

describe('a V2 response', () => {
  it('is the JSON of the protocol', () => {
    const { body, headerBytes } = encodeInferResponse(response, () => false);
    expect(headerBytes).toBeUndefined();
    expect(JSON.parse(new TextDecoder().decode(body))).toEqual({
      model_name: 'tiny',
      model_version: '1.0.0',
      id: 'a',
      outputs: [
        { name: 'scores', datatype: 'FP32', shape: [1, 2], data: [0.25, 0.75] },
        { name: 'label', datatype: 'INT64', shape: [1], data: [1] },
      ],
    });
  });

  it('comes back as it was, with each output in the form asked for', () => {
    for (const isBinary of [() => true, () => false, (name: string) => name === 'scores']) {
      const { body, headerBytes } = encodeInferResponse(response, isBinary);
      expect(decodeInferResponse(body, headerBytes)).toEqual(response);
    }
  });

  it('writes 64-bit integers exactly', () => {
    const data = new Uint8Array(new BigInt64Array([2n ** 62n + 1n]).buffer);
    const big: Tensor = { name: 'n', datatype: 'INT64', shape: [1], data };
    const { body } = encodeInferResponse({ ...response, outputs: [big] }, () => false);
    expect(new TextDecoder().decode(body)).toContain('4611686018427387905');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'cannot carry %d as JSON',
    (value) => {
      const outputs = [tensorOf('y', 'FP32', [2], [1, value])];
      const encode = (binary: boolean) => encodeInferResponse({ ...response, outputs }, () => binary);
      expect(() => encode(false)).toThrow(expect.objectContaining({ code: 'TENSOR_NOT_FINITE' }));
      expect(encode(true).headerBytes).toBeGreaterThan(0);
    },
  );

  it('is refused when it is none', () => {
    expect(() => decodeInferResponse(new TextEncoder().encode('{"error":"x"}'))).toThrow(
      expect.objectContaining({ code: 'RESPONSE_INVALID' }),
    );
  });
});

describe('a sample file', () => {
  it('keeps a body and the length of its JSON part', () => {
    const { body, headerBytes = 0 } = encodeInferResponse(response, () => true);
    const sample = unpackSample(packSample(headerBytes, body));
    expect(decodeInferResponse(sample.body, sample.headerBytes)).toEqual(response);
  });

  it.each([0, 3, 4, 20])('is refused when it is cut after %i bytes', (length) => {
    const { body, headerBytes = 0 } = encodeInferResponse(response, () => true);
    expect(() => unpackSample(packSample(headerBytes, body).subarray(0, length))).toThrow(
      expect.objectContaining({ code: 'SAMPLE_INVALID' }),
    );
  });
});
