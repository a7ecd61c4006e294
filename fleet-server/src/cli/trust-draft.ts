import { readFile } from 'node:fs/promises';
import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf } from '@ringfleet/shared/protocol';
import {
  addSignature,
  mergeSignatures,
  type Role,
  readRoot,
  readTargets,
  type SignedPart,
  type Signer,
  type SigningProgress,
  signDocument,
  signingProgress,
} from '@ringfleet/shared/trust';
import { type Static, Type } from 'typebox';
import { writeDurably } from '../adapters/write-durably.ts';

/**
 * A document that waits for signatures, with the one whose keys decide about it (`under`: for a root the root before it,
 * for targets the root, for a model the targets role). One file holds all that a signer needs on a machine of their own.
 */
export const Draft = Type.Object(
  {
    schema: Type.Literal('ringfleet/draft/1'),
    role: Type.String({ pattern: '^(root|targets|m\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$' }),
    document: Type.String({ maxLength: 4_000_000 }),
    under: Type.String({ maxLength: 4_000_000 }),
  },
  { additionalProperties: false },
);
export type Draft = Static<typeof Draft>;

/** One role that must sign a draft, and how far it has come. */
export interface Demand extends SigningProgress {
  readonly what: string;
  readonly role: Role;
}

const check = checkerOf(Draft, 'draft', 'DRAFT_INVALID');

export function makeDraft(role: string, part: SignedPart, under: string): Draft {
  return { schema: 'ringfleet/draft/1', role, document: signDocument(part, []), under };
}

/** Reads a draft that may have come by hand. Throws FILE_UNREADABLE or DRAFT_INVALID. */
export async function readDraft(path: string): Promise<Draft> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CodedError('FILE_UNREADABLE', path, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CodedError('DRAFT_INVALID', `${path} is not JSON`, { cause });
  }
  const draft = check(value);
  demandsOf(draft);
  return draft;
}

export async function writeDraft(path: string, draft: Draft): Promise<void> {
  await writeDurably(path, `${JSON.stringify(draft, null, 2)}\n`, 0o644);
}

/** Which roles must sign: for a root the keys of the one before it as well as its own. */
export function demandsOf({ role, document, under }: Draft): readonly Demand[] {
  const demand = (what: string, keys: Role): Demand => ({
    what,
    role: keys,
    ...signingProgress(document, keys),
  });
  if (role === 'root') {
    const [old, next] = [readRoot(under), readRoot(document)];
    return [
      demand(`root ${old.version}, today's`, old.roles.root),
      demand(`root ${next.version}, the new one`, next.roles.root),
    ];
  }
  if (role === 'targets') return [demand('targets', readRoot(under).roles.targets)];
  const keys = readTargets(under).models.get(role.slice('m.'.length));
  if (keys === undefined)
    throw new CodedError('MODEL_NOT_DELEGATED', `the draft's targets do not name ${role}`);
  return [demand(role, keys)];
}

export const isComplete = (draft: Draft): boolean => demandsOf(draft).every((demand) => demand.isMet);

/** Adds a signature; the same key twice counts once. Throws KEY_UNKNOWN for a key that no demanded role names. */
export function signDraft(draft: Draft, signer: Signer): Draft {
  const isNamed = demandsOf(draft).some((demand) => demand.role.keys.has(signer.keyid));
  if (!isNamed) {
    throw new CodedError('KEY_UNKNOWN', `key ${signer.keyid} has no say about this ${draft.role}`);
  }
  return { ...draft, document: addSignature(draft.document, signer) };
}

/** One draft with the signatures of all copies. Throws DRAFT_INVALID when they are not copies of one draft. */
export function mergeDrafts(drafts: readonly [Draft, ...Draft[]]): Draft {
  const [first] = drafts;
  if (drafts.some((draft) => draft.role !== first.role)) {
    throw new CodedError('DRAFT_INVALID', 'the drafts are of different roles');
  }
  const isValid = (document: string, keyid: string): boolean =>
    demandsOf({ ...first, document }).some((demand) => demand.signed.includes(keyid));
  const [document, ...others] = drafts.map((draft) => draft.document);
  return { ...first, document: mergeSignatures([document ?? '', ...others], isValid) };
}
