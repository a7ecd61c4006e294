import type { IncomingMessage } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';

export interface Intake {
  /** Reads a whole body. Throws REQUEST_TOO_LARGE, QUEUE_FULL when too much is held already, or ABORTED. */
  read(req: IncomingMessage): Promise<Buffer>;
}

/** Bounds one body, and the sum of all that are in memory while they arrive. */
export function createIntake(maxBodyBytes: number, maxHeldBytes: number): Intake {
  let held = 0;
  return {
    read: (req) =>
      new Promise((resolve, reject) => {
        const announced = Number(req.headers['content-length'] ?? 0);
        // Far too large is refused at once; slightly too large is read to its end, so that the client sees the answer.
        if (announced > 2 * maxBodyBytes) throw new CodedError('REQUEST_TOO_LARGE', tooLarge(maxBodyBytes));
        const chunks: Buffer[] = [];
        let size = 0;
        let refusal: CodedError | undefined;
        const refuse = (error: CodedError): void => {
          refusal ??= error;
          held -= chunks.reduce((sum, chunk) => sum + chunk.length, 0);
          chunks.length = 0;
        };
        req.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > 2 * maxBodyBytes) req.destroy();
          if (refusal) return;
          chunks.push(chunk);
          held += chunk.length;
          if (size > maxBodyBytes) refuse(new CodedError('REQUEST_TOO_LARGE', tooLarge(maxBodyBytes)));
          else if (held > maxHeldBytes) refuse(new CodedError('QUEUE_FULL'));
        });
        req.on('end', () => {
          if (refusal) return reject(refusal);
          held -= size;
          resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
          chunks.length = 0;
        });
        req.on('close', () => {
          if (req.complete) return;
          refuse(new CodedError('ABORTED'));
          reject(refusal);
        });
      }),
  };
}

const tooLarge = (max: number): string => `the body is larger than ${max} bytes`;

/** A body that can only be small. Throws REQUEST_TOO_LARGE. */
export async function readBrief(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new CodedError('REQUEST_TOO_LARGE', tooLarge(maxBytes));
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
