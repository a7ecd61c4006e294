import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Count, checkerOf, EpochMs, Name } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { Barred, Installed } from '../core/update-state.ts';

/** What must outlive the journal: which releases are proven, the floors, and what was verified last. */
export const LastKnown = Type.Object({
  v: Type.Literal(1),
  /** Grows with each change; the journal has the same number, or the one before it. */
  revision: Count,
  /** The start that wrote it: no later one may have the same number, whatever the journal has lost. */
  start: Type.Optional(Count),
  models: Type.Array(
    Type.Object({
      model: Name,
      generation: Count,
      committed: Type.Union([Installed, Type.Null()]),
      previous: Type.Union([Installed, Type.Null()]),
      failed: Barred,
      isUnexercised: Type.Boolean(),
    }),
  ),
  /** The newest signed time, as the journal keeps it; as old as the last other change. */
  time: Type.Optional(Type.String({ maxLength: 32_768 })),
  floors: Type.Array(Type.Object({ model: Name, floor: Count })),
  assignment: Type.Union([
    Type.Object({
      accepted: Type.String(),
      desired: Type.String(),
      document: Type.String(),
      accepted_at: EpochMs,
    }),
    Type.Null(),
  ]),
  trust: Type.Array(
    Type.Object({ role: Type.String(), version: Count, document: Type.String(), stored_at: EpochMs }),
  ),
});
export type LastKnown = Static<typeof LastKnown>;

const check = checkerOf(LastKnown, 'last-known state', 'STATE_INVALID');
const HEX_BYTES = 64;

/**
 * `last-known.json`: the journal's essence in a plain file, behind its own sha256. It is written before the journal
 * commits, so it is never behind it.
 */
export class LastKnownFile {
  readonly #path: string;

  readonly #isReadOnly: boolean;

  constructor(stateDir: string, isReadOnly = false) {
    this.#path = join(stateDir, 'last-known.json');
    this.#isReadOnly = isReadOnly;
  }

  /** Null when there is none, or none that can be believed. */
  read(): LastKnown | null {
    try {
      const text = readFileSync(this.#path, 'utf8');
      const content = text.slice(HEX_BYTES + 1);
      return text.slice(0, HEX_BYTES) === sha256(content) ? check(JSON.parse(content)) : null;
    } catch {
      // Missing before the first commit; anything else that keeps it from being read makes it worthless.
      return null;
    }
  }

  /** Synchronous, for the worker thread: on disk when it returns. */
  write(known: LastKnown): void {
    if (this.#isReadOnly) return;
    const content = JSON.stringify(known);
    const temporary = `${this.#path}.tmp`;
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, `${sha256(content)}\n${content}`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, this.#path);
    const folder = openSync(dirname(this.#path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
