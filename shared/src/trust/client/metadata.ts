import type { Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { CodedError } from '../../errors/index.ts';
import { asRoot, asSnapshot, asTargets, asTimestamp } from '../read-document.ts';
import { parseDocument, type UnverifiedDocument } from '../signed-document.ts';

/** A document whose signatures were verified: what it says, and the bytes as they came. */
export interface Trusted<T> {
  readonly signed: T;
  readonly document: UnverifiedDocument;
  readonly bytes: Uint8Array;
}

const READERS = { root: asRoot, timestamp: asTimestamp, snapshot: asSnapshot, targets: asTargets };

interface Kinds {
  readonly root: Root;
  readonly timestamp: Timestamp;
  readonly snapshot: Snapshot;
  readonly targets: Targets;
}

/** Reads bytes as metadata of one kind, within a length, without verifying. */
export function readMetadata<K extends keyof Kinds>(
  kind: K,
  what: string,
  bytes: Uint8Array,
  maxBytes: number,
): Trusted<Kinds[K]> {
  if (bytes.length > maxBytes) {
    throw new CodedError('METADATA_TOO_LARGE', `${what} is larger than ${maxBytes} bytes`);
  }
  const document = parseDocument(decode(what, bytes));
  return { signed: READERS[kind](what, document) as Kinds[K], document, bytes };
}

function decode(what: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CodedError('METADATA_MALFORMED', `${what} is not UTF-8`, { cause });
  }
}
