import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JournalFiles, openJournalFiles } from '../../agent/src/adapters/journal-files.ts';
import { TrustDocuments } from '../../agent/src/adapters/journal-trust.ts';
import { NOW_MS } from './lab/contents.ts';
import { firstRoot, type Publication, publish } from './lab/publication.ts';
import { changesBetween, snapshotOf } from './lab/snapshot.ts';

/** Cut off by a server, a proxy or a thief: a device with the whole trust store, and every length of every document. */
let folder: string;
let files: JournalFiles;
let trust: TrustDocuments;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringfleet-truncated-'));
  mkdirSync(join(folder, 'device', 'trust'), { recursive: true });
  writeFileSync(join(folder, 'device', 'trust', 'root.json'), firstRoot());
  files = openJournalFiles(join(folder, 'device'));
  trust = new TrustDocuments(files.control, join(folder, 'device'));
  trust.setDevice('lab', 'd-1');
  expect(take(publish(1))).toBe('accepted');
});

afterAll(() => {
  files.close();
  rmSync(folder, { recursive: true });
});

/** Takes what a server gives out; `accepted`, or the code of the refusal. */
function take({ metadata, assignment }: Publication): string {
  const fetched = { '2.root.json': null, '3.root.json': null, ...Object.fromEntries(metadata) };
  try {
    return trust.accept(assignment, fetched, NOW_MS).kind;
  } catch (err) {
    return String((err as { code?: string }).code);
  }
}

/** The databases in the middle of their use, so that a copy is looked at. */
function snapshot() {
  const copy = join(folder, 'copy');
  files.control.pragma('wal_checkpoint(TRUNCATE)');
  cpSync(join(folder, 'device'), copy, { recursive: true });
  const parts = snapshotOf(copy);
  rmSync(copy, { recursive: true });
  return parts;
}

describe('a document cut off at every byte', () => {
  const update = publish(2, { roots: 2 });
  const documents = [
    { what: 'the assignment', file: '', changes: [], codes: ['METADATA_MALFORMED'], step: 1 },
    { what: 'root', file: '2.root.json', changes: [], codes: ['METADATA_MALFORMED'], step: 1 },
    {
      what: 'timestamp',
      file: 'timestamp.json',
      changes: ['root 2'],
      codes: ['METADATA_MALFORMED'],
      step: 1,
    },
    // A document above says how long these must be: one length in thirty-one is enough to see it.
    {
      what: 'snapshot',
      file: '20.snapshot.json',
      changes: ['timestamp'],
      codes: ['METADATA_MISMATCH'],
      step: 31,
    },
    {
      what: 'targets',
      file: '20.targets.json',
      changes: ['snapshot'],
      codes: ['METADATA_MISMATCH'],
      step: 31,
    },
    { what: 'm.tiny', file: '20.m.tiny.json', changes: ['targets'], codes: ['METADATA_MISMATCH'], step: 31 },
  ] as const;

  it.each(documents)('$what', ({ file, changes, codes, step }) => {
    const before = snapshot();
    const whole = file === '' ? update.assignment : (update.metadata.get(file) ?? '');
    // Without its last character, the line feed, a document is whole.
    const end = whole.trimEnd().length - 1;
    const found = new Set<string>();
    for (let length = 0; length <= end; length += step) {
      const cut = whole.slice(0, length);
      const metadata = new Map(update.metadata);
      if (file !== '') metadata.set(file, cut);
      found.add(take({ ...update, metadata, assignment: file === '' ? cut : update.assignment }));
    }
    expect([...found]).toEqual(codes);
    // Each of the documents above it is genuine, and kept when it is first seen.
    expect(changesBetween(before, snapshot())).toEqual(changes);
  });

  it('and the whole ones are taken', () => {
    expect(take(update)).toBe('accepted');
  });
});
