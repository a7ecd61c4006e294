import { request } from 'node:http';
import type { Manifest } from '@ringfleet/shared/release';
import { decodeInferResponse, type Tensor, unpackSample } from '@ringfleet/shared/v2';
import type { LabRelease } from './releases.ts';

const LIMIT_MS = 3_000;
const TOLERANCE = 1e-5;

/** What a release answers to one of its own samples, as it was recorded when it was built. */
interface Expectation {
  readonly version: string;
  readonly outputs: readonly number[];
}

export interface Answered {
  /** The release that the outputs are of; null when they are of none. */
  readonly version: string | null;
  /** The release that the answer says it comes from. */
  readonly named: string;
}

/** An application on the device. All releases are asked the same; which of them answers is told by the numbers. */
export class Application {
  readonly #body: Uint8Array;
  readonly #headerBytes: number;
  readonly #expected: readonly Expectation[];

  constructor(releases: readonly LabRelease[]) {
    const [first] = releases;
    const asked = unpackSample(fileOf(first as LabRelease, '.req'));
    this.#body = asked.body;
    this.#headerBytes = asked.headerBytes;
    this.#expected = releases.map((release) => {
      const { body, headerBytes } = unpackSample(fileOf(release, '.res'));
      return { version: release.version, outputs: numbersOf(decodeInferResponse(body, headerBytes).outputs) };
    });
  }

  /** Asks once over the Unix socket; null while nobody answers, or the model is not there yet. */
  async ask(socketPath: string): Promise<Answered | null> {
    const reply = await this.#post(socketPath).catch(() => null);
    if (reply?.status !== 200) return null;
    const length = Number(reply.headers['inference-header-content-length'] ?? reply.body.length);
    const outputs = numbersOf(decodeInferResponse(reply.body, length).outputs);
    const found = this.#expected.find((one) => isSame(one.outputs, outputs));
    return { version: found?.version ?? null, named: String(reply.headers['ringfleet-release'] ?? '') };
  }

  #post(socketPath: string): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> {
    const headers = {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': this.#headerBytes,
      'content-length': this.#body.length,
    };
    return new Promise((resolve, reject) => {
      const options = {
        socketPath,
        method: 'POST',
        path: '/v2/models/tiny/infer',
        headers,
        timeout: LIMIT_MS,
      };
      const req = request(options, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () =>
          resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }),
        );
      });
      req.on('timeout', () => req.destroy(new Error('no answer in time')));
      req.on('error', reject);
      req.end(this.#body);
    });
  }
}

/** The first conformance sample, its question or its answer. */
function fileOf({ files, manifestSha256 }: LabRelease, ending: '.req' | '.res'): Buffer {
  const manifest = JSON.parse(String(files.get(manifestSha256))) as Manifest;
  const found = manifest.files.find(({ path }) => path.startsWith('conformance/') && path.endsWith(ending));
  const bytes = found && files.get(found.sha256.replace('sha256:', ''));
  if (!bytes) throw new Error(`the release has no sample ${ending}`);
  return bytes;
}

function numbersOf(tensors: readonly Tensor[]): number[] {
  return tensors.flatMap(({ data }) => [
    ...new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)),
  ]);
}

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((one, i) => Math.abs(one - (b[i] ?? Number.NaN)) <= TOLERANCE);
