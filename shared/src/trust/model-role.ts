import { type Static, Type } from 'typebox';
import { CodedError } from '../errors/index.ts';
import { checkerOf } from '../protocol/check.ts';
import { Count, Name, Version } from '../protocol/ids.ts';
import { asTargets, checkExpiry, tufTime } from './read-document.ts';
import { verifySignatures } from './signatures.ts';
import { parseDocument } from './signed-document.ts';
import { checkNotOlder, modelRoleName } from './targets.ts';
import type { ModelRole, ModelRoleContent, SignedPart, SignedRelease, TargetsRole } from './types.ts';
import { targetsPart } from './write-document.ts';

const MODEL_FIELD = 'x-ringfleet-model';

/** Where a release's manifest stands among TUF's targets. */
export const releaseTargetPath = (model: string, version: string): string =>
  `models/${model}/${version}/manifest.json`;

/** The signed part of `m.<model>`: every release of one model that may be installed. */
export function buildModelRole(content: ModelRoleContent): SignedPart {
  const { model, releases, minReleaseCounter } = content;
  return targetsPart(content, {
    targets: Object.fromEntries(
      releases.map(({ version, releaseCounter, length, sha256 }) => [
        releaseTargetPath(model, version),
        { length, hashes: { sha256 }, custom: { model, version, releaseCounter } },
      ]),
    ),
    [MODEL_FIELD]: model,
    minReleaseCounter,
  });
}

/** Checks `m.<model>` under the targets role; `nowMs` and `lastVersion` as with `verifyTargets`. */
export function verifyModelRole(
  targets: TargetsRole,
  model: string,
  text: string,
  nowMs: number | null,
  lastVersion = 0,
): ModelRole {
  const role = targets.models.get(model);
  if (role === undefined)
    throw new CodedError('MODEL_NOT_DELEGATED', `no publisher may sign for model ${model}`);
  const document = parseDocument(text);
  const what = modelRoleName(model);
  verifySignatures(what, role, document);
  const metadata = readModelRole(text);
  if (metadata.model !== model) throw malformed(`${what} is about model ${metadata.model}`);
  checkNotOlder(what, metadata.version, lastVersion);
  if (nowMs !== null) checkExpiry(what, tufTime(metadata.expires), nowMs);
  return metadata;
}

/**
 * Reads `m.<model>` without verifying it: for a document that was verified before it was stored, and for finding out
 * which model an uploaded one is about.
 */
export function readModelRole(text: string): ModelRole {
  const document = parseDocument(text);
  const targets = asTargets('model role', document);
  const { [MODEL_FIELD]: model, minReleaseCounter } = checkExtras(document.signed);
  const releases = Object.entries(checkTargets(targets.toJSON()['targets'])).map(([path, target]) =>
    releaseOf(model, path, target),
  );
  if (new Set(releases.map((release) => release.releaseCounter)).size !== releases.length) {
    throw malformed(`${modelRoleName(model)} gives one release counter to two releases`);
  }
  return {
    model,
    version: targets.version,
    expires: Date.parse(targets.expires),
    minReleaseCounter,
    releases,
  };
}

const Extras = Type.Object({ [MODEL_FIELD]: Name, minReleaseCounter: Count });
const ReleaseTarget = Type.Object({
  length: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  hashes: Type.Object({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) }),
  custom: Type.Object({
    model: Name,
    version: Version,
    releaseCounter: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  }),
});

const checkExtras = checkerOf(Extras, 'model role', 'METADATA_MALFORMED');
const checkTargets = checkerOf(Type.Record(Type.String(), ReleaseTarget), 'model role', 'METADATA_MALFORMED');

function releaseOf(model: string, path: string, target: Static<typeof ReleaseTarget>): SignedRelease {
  const { version, releaseCounter } = target.custom;
  // The delegation is for models/<model>/*/* and nothing else.
  if (target.custom.model !== model || path !== releaseTargetPath(model, version)) {
    throw malformed(`${modelRoleName(model)} names the target ${path}, which is not its own`);
  }
  return { version, releaseCounter, length: target.length, sha256: target.hashes.sha256 };
}

const malformed = (message: string): CodedError => new CodedError('METADATA_MALFORMED', message);
