import { CodedError } from '../errors/index.ts';
import { asTargets, checkExpiry, tufTime } from './read-document.ts';
import { roleOf, verifySignatures } from './signatures.ts';
import { parseDocument, type UnverifiedDocument } from './signed-document.ts';
import type { Role, Root, SignedPart, TargetsContent, TargetsRole } from './types.ts';
import { keysPart, rolePart, targetsPart } from './write-document.ts';

/** The role that signs the releases of one model. */
export const modelRoleName = (model: string): string => `m.${model}`;

/** The signed part of the top-level targets role: no targets of its own, one terminating delegation per model. */
export function buildTargets(content: TargetsContent): SignedPart {
  return targetsPart(content, {
    targets: {},
    delegations: {
      keys: keysPart(content.models.flatMap((model) => model.keys)),
      roles: content.models.map((role) => ({
        name: modelRoleName(role.model),
        ...rolePart(role),
        terminating: true,
        paths: [pathsOf(role.model)],
      })),
    },
  });
}

/**
 * Checks the targets role under a root. With `lastVersion`, an older one is METADATA_NOT_NEWER; the same one passes.
 * `nowMs` null leaves the date out, for a document that is only built upon.
 */
export function verifyTargets(root: Root, text: string, nowMs: number | null, lastVersion = 0): TargetsRole {
  const document = parseDocument(text);
  verifySignatures('targets', root.roles.targets, document);
  const targets = parseTargets(document);
  checkNotOlder('targets', targets.version, lastVersion);
  if (nowMs !== null) checkExpiry('targets', tufTime(targets.expires), nowMs);
  return targets;
}

/** Reads a targets role that was verified before it was stored: no signatures, no date. */
export function readTargets(text: string): TargetsRole {
  return parseTargets(parseDocument(text));
}

function parseTargets(document: UnverifiedDocument): TargetsRole {
  const targets = asTargets('targets', document);
  const models = new Map<string, Role>();
  for (const role of Object.values(targets.delegations?.roles ?? {})) {
    const model = /^m\.(.+)$/.exec(role.name)?.[1];
    if (
      model === undefined ||
      !role.terminating ||
      role.paths?.length !== 1 ||
      role.paths[0] !== pathsOf(model)
    ) {
      throw new CodedError(
        'METADATA_MALFORMED',
        `targets: the delegation ${role.name} is not one of a model`,
        {
          at: '/delegations/roles',
        },
      );
    }
    models.set(model, roleOf(role.keyIDs, role.threshold, targets.delegations?.keys ?? {}));
  }
  return { version: targets.version, expires: Date.parse(targets.expires), models };
}

/** Throws METADATA_NOT_NEWER for a version below the last one trusted. */
export function checkNotOlder(what: string, version: number, lastVersion: number): void {
  if (version >= lastVersion) return;
  throw new CodedError(
    'METADATA_NOT_NEWER',
    `${what} has version ${version}; version ${lastVersion} is already trusted`,
  );
}

const pathsOf = (model: string): string => `models/${model}/*/*`;
