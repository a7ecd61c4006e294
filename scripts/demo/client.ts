import { createWriteStream, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/**
 * The application on the device, as a program of its own: it knows the V2 protocol and labelled images, and nothing of
 * Ringfleet. It asks every target without pause and writes one line when a request leaves and one when its answer comes;
 * whoever reads the file can tell a request that was never answered.
 *
 * usage: client.ts IMAGES.csv LOG.ndjson TARGETS.json     TARGETS: [{device, http, socket, model}]
 * Ends on SIGTERM after the answers under way.
 */
interface Target {
  readonly device: string;
  readonly http: string;
  readonly socket: string;
  readonly model: string;
}

interface Image {
  readonly pixels: readonly number[];
  readonly label: number;
}

const GAP_MS = 15;
const TIMEOUT_MS = 10_000;

const [imagesFile = '', logFile = '', targetsFile = ''] = process.argv.slice(2);
const images = readImages(imagesFile);
const targets = JSON.parse(readFileSync(targetsFile, 'utf8')) as readonly Target[];
const log = createWriteStream(logFile, { flags: 'a' });
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.once('SIGINT', () => stop.abort());

await Promise.all(targets.map((target, i) => askForEver(target, i)));
await new Promise<void>((resolve) => log.end(() => resolve()));

async function askForEver(target: Target, offset: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let n = 0; !stop.signal.aborted; n += 1) {
    const row = (n + offset * 97) % images.length;
    const image = images[row];
    if (!image) return;
    const id = `${target.device}-${n}`;
    write({ t: 'sent', id, atMs: Date.now(), device: target.device, row, label: image.label });
    const sentAt = performance.now();
    const outcome = await ask(target, agent, image, n).catch((err: Error) => ({
      status: 0,
      answer: null,
      release: null,
      isFallback: false,
      error: err.message,
    }));
    write({
      t: 'got',
      id,
      atMs: Date.now(),
      ms: Math.round((performance.now() - sentAt) * 100) / 100,
      ...outcome,
    });
    await new Promise((resolve) => setTimeout(resolve, GAP_MS));
  }
  agent.destroy();
}

/** Odd requests go over TCP with a JSON body, even ones over the Unix socket with the binary extension. */
function ask(target: Target, agent: Agent, image: Image, n: number) {
  const url = new URL(`/v2/models/${target.model}/infer`, target.http);
  const where =
    n % 2 === 1 ? { host: url.hostname, port: url.port, agent } : { socketPath: target.socket, headers: {} };
  const { body, headers } = n % 2 === 1 ? jsonRequest(image) : binaryRequest(image);
  return new Promise<{ status: number; answer: number | null; release: string | null; isFallback: boolean }>(
    (resolve, reject) => {
      const req = request(
        {
          ...where,
          path: url.pathname,
          method: 'POST',
          timeout: TIMEOUT_MS,
          headers: { ...headers, 'content-length': body.length },
        },
        (res) => {
          const chunks: Buffer[] = [];
          res.on('data', (chunk: Buffer) => chunks.push(chunk));
          res.on('error', reject);
          res.on('end', () => {
            const status = res.statusCode ?? 0;
            const release = String(res.headers['ringfleet-release'] ?? '') || null;
            const isFallback = res.headers['ringfleet-fallback'] === 'true';
            try {
              const answer = status === 200 ? readAnswer(Buffer.concat(chunks)) : null;
              resolve({ status, answer, release, isFallback });
            } catch (err) {
              reject(err);
            }
          });
        },
      );
      req.on('timeout', () => req.destroy(new Error('no answer in time')));
      req.on('error', reject);
      req.end(body);
    },
  );
}

function jsonRequest(image: Image): { body: Buffer; headers: Record<string, string> } {
  const inputs = [{ name: 'image', datatype: 'FP32', shape: [1, image.pixels.length], data: image.pixels }];
  return { body: Buffer.from(JSON.stringify({ inputs })), headers: { 'content-type': 'application/json' } };
}

function binaryRequest(image: Image): { body: Buffer; headers: Record<string, string> } {
  const raw = Buffer.from(new Float32Array(image.pixels).buffer);
  const header = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: 'image',
          datatype: 'FP32',
          shape: [1, image.pixels.length],
          parameters: { binary_data_size: raw.length },
        },
      ],
    }),
  );
  return {
    body: Buffer.concat([header, raw]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(header.length),
    },
  };
}

/** The predicted class: the highest of the first output, which is asked for as JSON. */
function readAnswer(body: Buffer): number {
  const { outputs } = JSON.parse(body.toString('utf8')) as { outputs: { data: number[] }[] };
  const scores = outputs[0]?.data ?? [];
  if (scores.length === 0) throw new Error('an answer without scores');
  return scores.indexOf(Math.max(...scores));
}

function readImages(path: string): Image[] {
  const [, ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const values = line.split(',').map(Number);
    return { pixels: values.slice(0, -1), label: values.at(-1) ?? -1 };
  });
}

function write(line: object): void {
  log.write(`${JSON.stringify(line)}\n`);
}
