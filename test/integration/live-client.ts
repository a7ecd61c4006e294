import { Agent, request } from 'node:http';

const GAP_MS = 10;
/** The largest of the first three is at index 1. */
const FEATURES = [0, 9, 0, 0];

/** An application on the device: asks the agent's V2 endpoint without pause and counts what it gets. */
export class LiveClient {
  answers = 0;
  readonly failures: string[] = [];
  readonly releases = new Set<string>();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(http: string, model: string) {
    this.#loop = this.#run(`${http}/v2/models/${model}/infer`);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(url: string): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#stop.signal.aborted) {
      try {
        const { status, text, release } = await post(url, agent);
        const { outputs } = JSON.parse(text) as { outputs?: [{ data: number[] }] };
        if (status === 200 && (outputs?.[0].data[1] ?? 0) > 0.9) this.answers += 1;
        else this.failures.push(`${status} ${text}`);
        this.releases.add(release);
      } catch (err) {
        this.failures.push(String(err));
      }
      await new Promise((resolve) => setTimeout(resolve, GAP_MS));
    }
    agent.destroy();
  }
}

function post(url: string, agent: Agent): Promise<{ status: number; text: string; release: string }> {
  const inputs = [{ name: 'features', datatype: 'FP32', shape: [1, FEATURES.length], data: FEATURES }];
  return new Promise((resolve, reject) => {
    const req = request(
      url,
      { method: 'POST', agent, timeout: 10_000, headers: { 'content-type': 'application/json' } },
      (res) => {
        let text = '';
        res.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        res.on('error', reject);
        res.on('end', () =>
          resolve({
            status: res.statusCode ?? 0,
            text,
            release: String(res.headers['ringfleet-release'] ?? ''),
          }),
        );
      },
    );
    req.on('timeout', () => req.destroy(new Error('no answer in time')));
    req.on('error', reject);
    req.end(JSON.stringify({ inputs }));
  });
}
