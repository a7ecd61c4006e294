import { createHash } from 'node:crypto';
import { CodedError } from '../errors/index.ts';
import { readAssignment } from './assignment-format.ts';
import { releaseTargetPath } from './model-role.ts';
import { checkExpiry, tufTime } from './read-document.ts';
import { verifySignatures } from './signatures.ts';
import { canonicalBytes, parseDocument } from './signed-document.ts';
import type { AcceptedAssignment, Assignment, AssignmentContent, Root, SignedPart } from './types.ts';
import { targetsPart } from './write-document.ts';

/** The signed part of an assignment: a Targets document for one device, signed by the director. */
export function buildAssignment(content: AssignmentContent): SignedPart {
  const { fleet, device, directorEpoch, generation, issuedAt, expires, tufVersion, models } = content;
  return targetsPart(
    { version: tufVersion, expires },
    {
      targets: Object.fromEntries(
        models.map(({ manifestLength, manifestSha256, ...custom }) => [
          releaseTargetPath(custom.model, custom.version),
          { length: manifestLength, hashes: { sha256: manifestSha256 }, custom },
        ]),
      ),
      'x-ringfleet-assignment': { fleet, device, directorEpoch, generation, issuedAt },
    },
  );
}

/** What a device checks before it accepts an assignment. `last` is what it accepted before. */
export interface AssignmentCheck {
  readonly device: string;
  /** Also checked when given. */
  readonly fleet?: string;
  readonly nowMs: number;
  readonly last: AcceptedAssignment | null;
  /** A verified bundle in date names this very document: the bundle's date stands in for its own. */
  readonly isVouchedFor?: boolean;
}

/**
 * Checks an assignment: signed by the director, of its epoch, for this device, in date, and newer than the last. The very
 * copy that is already accepted is ASSIGNMENT_REPLAYED too: compare `peekAssignment` first where it arrives repeatedly.
 */
export function verifyAssignment(root: Root, text: string, check: AssignmentCheck): Assignment {
  const document = parseDocument(text);
  verifySignatures('the assignment', root.director, document);
  const content = readAssignment(document);
  if (content.directorEpoch !== root.director.epoch) {
    throw new CodedError(
      'DIRECTOR_EPOCH_UNKNOWN',
      `the assignment is of director epoch ${content.directorEpoch}, the root names ${root.director.epoch}`,
    );
  }
  if (content.device !== check.device || (check.fleet !== undefined && content.fleet !== check.fleet)) {
    throw new CodedError(
      'ASSIGNMENT_NOT_MINE',
      `the assignment is for device ${content.device} of fleet ${content.fleet}`,
    );
  }
  if (!check.isVouchedFor) checkExpiry('the assignment', tufTime(content.expires), check.nowMs);
  const assignment = { ...content, contentHash: assignmentContentHash(content) };
  if (check.last !== null) checkNewer(assignment, check.last);
  return assignment;
}

/** What an unverified document claims to be; good only for passing over a copy that is already accepted. */
export function peekAssignment(text: string): Omit<AcceptedAssignment, 'contentHash'> {
  const { directorEpoch, tufVersion, generation } = readAssignment(parseDocument(text));
  return { directorEpoch, tufVersion, generation };
}

/** Reads an assignment that was verified before it was stored: no signatures, no date. */
export function readStoredAssignment(text: string): Assignment {
  const content = readAssignment(parseDocument(text));
  return { ...content, contentHash: assignmentContentHash(content) };
}

/** `sha256:<hex>` over what a generation stands for: not over versions and dates, which every signing renews. */
export function assignmentContentHash(
  content: Pick<AssignmentContent, 'fleet' | 'device' | 'models'>,
): string {
  const models = content.models
    .map(({ installBefore: _, ...model }) => model)
    .toSorted((a, b) => (a.model < b.model ? -1 : 1));
  const bytes = canonicalBytes({ fleet: content.fleet, device: content.device, models });
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function checkNewer(next: Assignment, last: AcceptedAssignment): void {
  const isNewer =
    next.directorEpoch > last.directorEpoch ||
    (next.directorEpoch === last.directorEpoch && next.tufVersion > last.tufVersion);
  if (!isNewer) {
    throw new CodedError(
      'ASSIGNMENT_REPLAYED',
      `the assignment has version ${next.tufVersion} of epoch ${next.directorEpoch}; version ${last.tufVersion} of epoch ${last.directorEpoch} is already accepted`,
    );
  }
  // A generation is the director's word: it counts on from that of the keys that a new epoch has replaced only if they
  // kept it small (fast-forward recovery).
  if (next.directorEpoch > last.directorEpoch) return;
  if (next.generation < last.generation) {
    throw new CodedError(
      'GENERATION_CONFLICT',
      `the assignment has generation ${next.generation}, after generation ${last.generation}`,
    );
  }
  if (next.generation === last.generation && next.contentHash !== last.contentHash) {
    throw new CodedError('GENERATION_CONFLICT', `generation ${next.generation} comes with other content`);
  }
}
