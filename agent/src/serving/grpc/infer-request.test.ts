import { describe, expect, it } from 'vitest';
import { readInferRequest } from './infer-request.ts';
import { MessageWriter } from './wire.ts';

const request = (contents: MessageWriter, datatype = 'UINT8'): Buffer => {
  const input = new MessageWriter().text(1, 'x').text(2, datatype).ints(3, [1]).message(5, contents);
  return new MessageWriter().text(1, 'tiny').message(5, input).finish();
};
const refused = (code: string) => expect.objectContaining({ code });

describe('a gRPC request on the agent’s loop', () => {
  it('may not hold so many varints that others have to wait', () => {
    const large = request(new MessageWriter().bytes(4, Buffer.alloc(1024 * 1024 + 1, 1)));
    expect(() => readInferRequest(large)).toThrow(refused('REQUEST_TOO_LARGE'));
    const half = request(new MessageWriter().bytes(4, Buffer.alloc(600 * 1024, 1)));
    readInferRequest(half);
    // The same message again adds a second tensor to the request.
    expect(() => readInferRequest(Buffer.concat([half, half]))).toThrow(refused('REQUEST_TOO_LARGE'));
  });

  it('may not hold so many fields that others have to wait', () => {
    const flood = Buffer.alloc(200_002);
    for (let at = 0; at < flood.length; at += 2) flood[at] = 0x78;
    expect(() => readInferRequest(flood)).toThrow(refused('REQUEST_INVALID'));
    // The bound counts inner messages too.
    const inner = new MessageWriter();
    for (let i = 0; i < 100_001; i++) inner.uint(4, 1);
    expect(() => readInferRequest(request(inner))).toThrow(refused('REQUEST_INVALID'));
  });

  it('reads numbers that are not packed, and skips what it does not know', () => {
    const contents = new MessageWriter().uint(4, 1).uint(4, 200).text(99, 'newer');
    const { call } = readInferRequest(request(contents));
    expect(Array.from(call.body.subarray(call.headerBytes))).toEqual([1, 200]);
  });

  it('refuses a message that is cut off at any byte, or reads what is whole', () => {
    const whole = request(new MessageWriter().bytes(4, Buffer.from([1, 2, 3])));
    for (let end = 0; end < whole.length; end++) {
      try {
        readInferRequest(whole.subarray(0, end));
      } catch (err) {
        expect(err).toEqual(refused('REQUEST_INVALID'));
      }
    }
  });
});
