import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { CodedError, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';

/** The agent hashes a large file from a slow disk before it answers. */
const SILENCE_MS = 600_000;

export interface ControlCall {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: string | AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** Asks the running agent for something. Throws AGENT_NOT_RUNNING, and what the agent refused with; errors of `body` as they are. */
export function callControl(socketPath: string, call: ControlCall): Promise<unknown> {
  const { method, path, body, signal } = call;
  return new Promise((resolve, reject) => {
    const source = Readable.from(typeof body === 'string' ? [Buffer.from(body)] : body);
    const req = request({ socketPath, method, path, signal, timeout: SILENCE_MS }, (res) => {
      const answered = answerOf(res);
      answered.then(resolve, reject);
      // A file that is refused in the middle is not sent to its end.
      answered.then(end, end);
    });
    const end = (): void => {
      source.destroy();
      req.destroy();
    };
    req.on('timeout', () => req.destroy(new Error('no answer in time')));
    req.on('error', (cause) => {
      source.destroy();
      reject(signal.aborted ? new CodedError('ABORTED') : notRunning(socketPath, cause));
    });
    // A stick that is pulled out ends the request in the middle: the agent keeps nothing of it.
    source.on('error', (err) => {
      reject(err);
      req.destroy();
    });
    source.pipe(req);
  });
}

async function answerOf(res: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of res as AsyncIterable<Buffer>) chunks.push(chunk);
  const value = JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  if (res.statusCode === 200) return value;
  const { code, message, at } = value as { code: string; message: string; at?: string };
  const known = lookUpCode(code) ? (code as ErrorCode) : 'AGENT_INTERNAL';
  throw new CodedError(known, message, at === undefined ? {} : { at });
}

const notRunning = (path: string, cause: Error): CodedError =>
  new CodedError('AGENT_NOT_RUNNING', `nobody answers at ${path}`, { cause, at: path });
