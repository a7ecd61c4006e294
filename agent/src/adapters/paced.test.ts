import { describe, expect, it } from 'vitest';
import { paced } from './paced.ts';

const PACE = { windowMs: 20, minBytesPerSecond: 100_000 };
const chunk = (bytes: number): Uint8Array => new Uint8Array(bytes);

async function take(
  source: AsyncIterable<Uint8Array>,
): Promise<{ bytes: number; end: string; gaveUp: boolean }> {
  let [bytes, gaveUp] = [0, false];
  const giveUp = (): void => {
    gaveUp = true;
  };
  try {
    for await (const one of paced(source, PACE, giveUp)) bytes += one.length;
    return { bytes, end: 'whole', gaveUp };
  } catch (err) {
    return { bytes, end: (err as { code: string }).code, gaveUp };
  }
}

describe('a peer that sends', () => {
  it('as fast as asked for is not disturbed', async () => {
    const whole = async function* () {
      yield chunk(10);
      yield chunk(20);
    };
    expect(await take(whole())).toEqual({ bytes: 30, end: 'whole', gaveUp: false });
  });

  it('nothing any more is given up after one window', async () => {
    const silent = async function* () {
      yield chunk(10);
      await new Promise(() => undefined);
    };
    expect(await take(silent())).toEqual({ bytes: 10, end: 'DOWNLOAD_TOO_SLOW', gaveUp: true });
  });

  it('one byte at a time is given up, however steadily', async () => {
    const drip = async function* () {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        yield chunk(1);
      }
    };
    expect(await take(drip())).toMatchObject({ end: 'DOWNLOAD_TOO_SLOW', gaveUp: true });
  });

  it('at once is not blamed for a slow reader', async () => {
    const quick = async function* () {
      for (let i = 0; i < 3; i += 1) yield chunk(1);
    };
    let seen = 0;
    for await (const one of paced(quick(), PACE, () => expect.unreachable())) {
      seen += one.length;
      // Longer than the window, as on a disk that stalls.
      for (const until = performance.now() + 30; performance.now() < until; );
    }
    expect(seen).toBe(3);
  });
});
