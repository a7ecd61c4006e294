import { Agent, request } from 'node:http';
import { CodedError, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';
import { decodeInferResponse, encodeInferRequest, type Tensor } from '@ringfleet/shared/v2';
import type { InputMetadata } from './read-rows.ts';
import type { Answered } from './score.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** One model behind a V2 endpoint on a Unix socket. */
export class V2Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #socketPath: string;
  readonly #path: string;

  constructor(socketPath: string, model: string) {
    this.#socketPath = socketPath;
    this.#path = `/v2/models/${encodeURIComponent(model)}`;
  }

  /** Throws AGENT_NOT_RUNNING, MODEL_UNKNOWN. */
  async inputs(signal: AbortSignal): Promise<readonly InputMetadata[]> {
    const { body } = await this.#send('GET', this.#path, undefined, {}, signal);
    return (JSON.parse(body.toString('utf8')) as { inputs: InputMetadata[] }).inputs;
  }

  /** Throws what the endpoint answers, by its code. */
  async infer(inputs: readonly Tensor[], signal: AbortSignal): Promise<Answered> {
    const wire = encodeInferRequest({ inputs }, { binary: true });
    const headers = { 'inference-header-content-length': String(wire.headerBytes) };
    const answer = await this.#send('POST', `${this.#path}/infer`, wire.body, headers, signal);
    const length = answer.headers['inference-header-content-length'];
    const { outputs, degraded } = decodeInferResponse(
      answer.body,
      length === undefined ? undefined : Number(length),
    );
    return { outputs, ...(degraded === undefined ? {} : { degraded }) };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(
    method: string,
    path: string,
    body: Uint8Array | undefined,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const where = { socketPath: this.#socketPath, agent: this.#agent, method, path, headers, signal };
      const req = request(where, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () =>
          resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }),
        );
        res.on('error', reject);
      });
      req.on('error', (cause) => {
        const code = signal.aborted ? 'ABORTED' : 'AGENT_NOT_RUNNING';
        reject(
          new CodedError(code, signal.aborted ? undefined : `${this.#socketPath}: ${cause.message}`, {
            cause,
          }),
        );
      });
      req.end(body);
    });
    if (answer.status === 200) return answer;
    throw errorOf(answer.body.toString('utf8'));
  }
}

function errorOf(text: string): CodedError {
  const [, code = '', sentence] = /"error":\s*"([A-Z0-9_]+): ((?:[^"\\]|\\.)*)"/.exec(text) ?? [];
  return lookUpCode(code)
    ? new CodedError(code as ErrorCode, sentence)
    : new CodedError('SERVING_INTERNAL', text.slice(0, 500));
}
