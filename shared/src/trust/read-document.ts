import {
  Metadata,
  MetadataKind,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { CodedError } from '../errors/index.ts';
import type { UnverifiedDocument } from './signed-document.ts';

/** The edition of the specification that our documents name. */
export const SPEC_VERSION = '1.0.31';

/** Reads the signed part as TUF root metadata. Throws METADATA_MALFORMED. */
export function asRoot(what: string, document: UnverifiedDocument): Root {
  return read(what, document, () => Metadata.fromJSON(MetadataKind.Root, toJson(document)).signed);
}

/** Reads the signed part as TUF targets metadata. Throws METADATA_MALFORMED. */
export function asTargets(what: string, document: UnverifiedDocument): Targets {
  return read(what, document, () => Metadata.fromJSON(MetadataKind.Targets, toJson(document)).signed);
}

/** Reads the signed part as TUF snapshot metadata. Throws METADATA_MALFORMED. */
export function asSnapshot(what: string, document: UnverifiedDocument): Snapshot {
  return read(what, document, () => Metadata.fromJSON(MetadataKind.Snapshot, toJson(document)).signed);
}

/** Reads the signed part as TUF timestamp metadata. Throws METADATA_MALFORMED. */
export function asTimestamp(what: string, document: UnverifiedDocument): Timestamp {
  return read(what, document, () => Metadata.fromJSON(MetadataKind.Timestamp, toJson(document)).signed);
}

/** Throws METADATA_EXPIRED when `expires` is not after `nowMs`. */
export function checkExpiry(what: string, expires: string, nowMs: number): void {
  if (Date.parse(expires) > nowMs) return;
  throw new CodedError('METADATA_EXPIRED', `${what} expired at ${expires}`);
}

/** TUF's form of a point in time: UTC, to the second, rounded down. */
export function tufTime(epochMs: number): string {
  return `${new Date(Math.floor(epochMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

function read<T extends Root | Snapshot | Targets | Timestamp>(
  what: string,
  document: UnverifiedDocument,
  parse: () => T,
): T {
  let signed: T;
  try {
    signed = parse();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'of no known form';
    throw new CodedError('METADATA_MALFORMED', `${what}: ${reason}`, { cause });
  }
  const { version, expires } = document.signed;
  if (typeof version !== 'number' || version < 1) {
    throw new CodedError('METADATA_MALFORMED', `${what}: version must be 1 or more`, { at: '/version' });
  }
  if (typeof expires !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(expires)) {
    throw new CodedError('METADATA_MALFORMED', `${what}: expires must be like 2030-01-31T00:00:00Z`, {
      at: '/expires',
    });
  }
  return signed;
}

// The models of tufjs ask for JSON types that their package does not export.
// biome-ignore lint/suspicious/noExplicitAny: see above
const toJson = (document: UnverifiedDocument): any => ({
  signatures: document.signatures,
  signed: document.signed,
});
