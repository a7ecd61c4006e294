import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkerOf, EpochMs, Sentence } from '@ringfleet/shared/protocol';
import { Type } from 'typebox';
import type { Hold } from '../core/permission.ts';
import type { HoldStore } from '../ports/update-policy.ts';
import { syncFolder, writeDurably } from './durable-file.ts';

const check = checkerOf(Type.Object({ reason: Sentence, sinceMs: EpochMs }), 'hold', 'STATE_INVALID');

/** The hold of a person at the device: `hold.json`, a file of its own, so that no damaged journal can forget it. */
export class HoldFile implements HoldStore {
  readonly #path: string;
  #hold: Hold | null;

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'hold.json');
    this.#hold = read(this.#path);
  }

  get current(): Hold | null {
    return this.#hold;
  }

  /** On disk when it resolves. */
  async set(hold: Hold): Promise<void> {
    await writeDurably(this.#path, JSON.stringify(hold));
    this.#hold = hold;
  }

  async release(): Promise<void> {
    await rm(this.#path, { force: true });
    await syncFolder(dirname(this.#path));
    this.#hold = null;
  }
}

function read(path: string): Hold | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // No hold is the ordinary case.
    return null;
  }
  try {
    return check(JSON.parse(text));
  } catch {
    // Somebody wanted a hold: one that cannot be read still holds.
    return { reason: 'hold.json cannot be read', sinceMs: 0 };
  }
}
