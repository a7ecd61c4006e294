import { Type } from 'typebox';
import { CodedError } from '../errors/index.ts';
import { checkerOf } from '../protocol/check.ts';
import { Count } from '../protocol/ids.ts';
import { asRoot, checkExpiry, tufTime } from './read-document.ts';
import { roleOf, verifySignatures } from './signatures.ts';
import { parseDocument, type UnverifiedDocument } from './signed-document.ts';
import type { Role, Root, RootContent, SignedPart } from './types.ts';
import { keysPart, rolePart, rootPart } from './write-document.ts';

/** Outside of `roles`, so that other TUF clients pass over it (DESIGN §4). */
const DIRECTOR_FIELD = 'x-ringfleet-director';
const DEVELOPMENT_FIELD = 'x-ringfleet-development';

/** The signed part of a root. Sign it with the old root's keys as well as its own. */
export function buildRoot(content: RootContent): SignedPart {
  const { root, targets, snapshot, timestamp, director } = content;
  const keys = [root, targets, snapshot, timestamp, director].flatMap((role) => role.keys);
  return rootPart(content, {
    consistent_snapshot: true,
    keys: keysPart(keys),
    roles: {
      root: rolePart(root),
      targets: rolePart(targets),
      snapshot: rolePart(snapshot),
      timestamp: rolePart(timestamp),
    },
    [DIRECTOR_FIELD]: { epoch: director.epoch, ...rolePart(director) },
    ...(content.isDevelopment ? { [DEVELOPMENT_FIELD]: true } : {}),
  });
}

/**
 * Checks a root that is to be trusted. With a trusted root: it must be the next version, signed by the keys of both.
 * Without one (`null`, only for a first root that a person pinned): signed by its own keys. `nowMs` null leaves the date
 * out, for roots in the middle of a chain.
 */
export function verifyRoot(trustedText: string | null, candidateText: string, nowMs: number | null): Root {
  const document = parseDocument(candidateText);
  if (trustedText !== null) {
    const trusted = readRoot(trustedText);
    verifySignatures('the new root (by the keys of the old one)', trusted.roles.root, document);
    const candidate = parseRoot(document);
    verifySignatures('the new root (by its own keys)', candidate.roles.root, document);
    if (candidate.version !== trusted.version + 1) {
      throw new CodedError(
        'METADATA_NOT_NEWER',
        `the new root has version ${candidate.version}, but ${trusted.version + 1} follows the trusted one`,
      );
    }
  } else {
    verifySignatures('the root', parseRoot(document).roles.root, document);
  }
  const root = parseRoot(document);
  if (nowMs !== null) checkExpiry(`root version ${root.version}`, tufTime(root.expires), nowMs);
  return root;
}

/** Reads a root that was verified before it was stored: no signatures, no date. */
export function readRoot(text: string): Root {
  return parseRoot(parseDocument(text));
}

const Extras = Type.Object({
  [DIRECTOR_FIELD]: Type.Object({
    epoch: Count,
    keyids: Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { minItems: 1, maxItems: 16 }),
    threshold: Type.Integer({ minimum: 1, maximum: 16 }),
  }),
  [DEVELOPMENT_FIELD]: Type.Optional(Type.Boolean()),
});

const checkExtras = checkerOf(Extras, 'root', 'METADATA_MALFORMED');

function parseRoot(document: UnverifiedDocument): Root {
  const root = asRoot('root', document);
  const extras = checkExtras(document.signed);
  const director = extras[DIRECTOR_FIELD];
  const role = (name: string): Role => {
    const { keyIDs, threshold } = root.roles[name] ?? { keyIDs: [], threshold: 1 };
    return roleOf(keyIDs, threshold, root.keys);
  };
  return {
    version: root.version,
    expires: Date.parse(root.expires),
    isDevelopment: extras[DEVELOPMENT_FIELD] === true,
    roles: {
      root: role('root'),
      targets: role('targets'),
      snapshot: role('snapshot'),
      timestamp: role('timestamp'),
    },
    director: { ...roleOf(director.keyids, director.threshold, root.keys), epoch: director.epoch },
  };
}
