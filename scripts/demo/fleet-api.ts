import { readFileSync } from 'node:fs';

/** The people's API as far as the demo reads it. */
export interface ModelView {
  readonly model: string;
  readonly phase: string;
  readonly running: { readonly version: string } | null;
  readonly isCommitted: boolean;
  readonly isProven: boolean;
  readonly failure: { readonly code: string; readonly reason: string } | null;
}
export interface DeviceView {
  readonly id: string;
  readonly ring: string | null;
  readonly isConnected: boolean;
  readonly models: readonly ModelView[];
}
export interface RolloutView {
  readonly id: string;
  readonly version: string;
  readonly state: string;
  readonly reason: string | null;
  readonly reasonCode: string | null;
  readonly rings: readonly {
    readonly plan: { readonly ring: string };
    readonly state: string;
    readonly gate: { readonly verdict: string; readonly sentence: string; readonly claim: string } | null;
  }[];
}

export class FleetApi {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, tokenFile: string) {
    this.#url = url;
    this.#token = readFileSync(tokenFile, 'utf8').trim();
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(new URL(path, this.#url), {
      headers: { authorization: `Bearer ${this.#token}` },
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async devices(): Promise<readonly DeviceView[]> {
    return (await this.get<{ items: readonly DeviceView[] }>('/api/v1/devices?limit=100')).items;
  }

  rollout(id: string): Promise<RolloutView> {
    return this.get<RolloutView>(`/api/v1/rollouts/${id}`);
  }
}

/** Polls until `read` gives something; throws naming what was waited for. */
export async function until<T>(what: string, timeoutMs: number, read: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (value !== null) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
