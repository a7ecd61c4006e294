import type { IncomingMessage } from 'node:http';
import { CodedError } from '@ringfleet/shared/errors';
import { MAX_DEADLINE_MS } from './schedule.ts';

export interface Intake {
  /** Reads a whole body. Throws REQUEST_TOO_LARGE, QUEUE_FULL when too much is held already, DEADLINE_EXCEEDED or ABORTED. */
  read(req: IncomingMessage): Promise<Buffer>;
}

/** How long a body may take to arrive, unless the request's own deadline says otherwise. */
const MAX_ARRIVAL_MS = 10_000;

/** Bounds one body in size and time, and the sum of all that are in memory while they arrive. */
export function createIntake(maxBodyBytes: number, maxHeldBytes: number): Intake {
  let held = 0;

  const arrive = (req: IncomingMessage): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      if (req.destroyed && !req.complete) throw new CodedError('ABORTED');
      const chunks: Buffer[] = [];
      let size = 0;
      let refusal: CodedError | undefined;
      const refuse = (error: CodedError): void => {
        refusal ??= error;
        held -= chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        chunks.length = 0;
      };
      const arrivalMs = arrivalLimitOf(req);
      const timer = setTimeout(() => {
        refuse(new CodedError('DEADLINE_EXCEEDED', `the body did not arrive within ${arrivalMs} ms`));
        reject(refusal);
      }, arrivalMs);
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
        clearTimeout(timer);
        if (refusal) return reject(refusal);
        held -= size;
        resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
        chunks.length = 0;
      });
      req.on('close', () => {
        clearTimeout(timer);
        if (req.complete) return;
        refuse(new CodedError('ABORTED'));
        reject(refusal);
      });
    });

  return {
    read: (req) =>
      new Promise((resolve, reject) => {
        const announced = Number(req.headers['content-length'] ?? 0);
        // Far too large is refused at once; slightly too large is read to its end, so that the client sees the answer.
        if (announced > 2 * maxBodyBytes) throw new CodedError('REQUEST_TOO_LARGE', tooLarge(maxBodyBytes));
        // A small body comes with its head: by the next tick it is all there and needs neither clock nor listeners.
        process.nextTick(() => {
          const isHere = announced > 0 && announced <= maxBodyBytes && req.readableLength === announced;
          if (isHere) resolve(req.read() as Buffer);
          else arrive(req).then(resolve, reject);
        });
      }),
  };
}

function arrivalLimitOf(req: IncomingMessage): number {
  const asked = Number(req.headers['ringfleet-deadline-ms'] ?? MAX_ARRIVAL_MS);
  return Number.isInteger(asked) && asked >= 1 && asked <= MAX_DEADLINE_MS ? asked : MAX_ARRIVAL_MS;
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
