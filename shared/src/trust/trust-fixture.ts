import { createHash } from 'node:crypto';
import { buildAssignment } from './assignment.ts';
import { generateKeyPair, signerOf } from './keys.ts';
import { buildModelRole } from './model-role.ts';
import { buildRoot, verifyRoot } from './root.ts';
import { signDocument } from './signed-document.ts';
import { buildTargets, verifyTargets } from './targets.ts';
import type {
  AssignmentContent,
  AssignmentModel,
  ModelRoleContent,
  Root,
  RootContent,
  Signer,
  TargetsRole,
} from './types.ts';

/** A small trusted world for tests: fixed keys, valid documents, and how to make slightly different ones. */
export const NOW_MS = Date.parse('2030-01-01T00:00:00Z');
export const DAY_MS = 86_400_000;

/** The same key for the same name, always. */
export const testSigner = (name: string): Signer =>
  signerOf(generateKeyPair(createHash('sha256').update(name).digest()).secretKey);

export const ROOT_SIGNER = testSigner('root');
export const TARGETS_SIGNER = testSigner('targets');
export const DIRECTOR_SIGNER = testSigner('director');
export const TINY_SIGNER = testSigner('tiny');

const one = (signer: Signer) => ({ keys: [signer.publicKey], threshold: 1 });

export const rootContent = (changes: Partial<RootContent> = {}): RootContent => ({
  version: 1,
  expires: NOW_MS + 365 * DAY_MS,
  isDevelopment: true,
  root: one(ROOT_SIGNER),
  targets: one(TARGETS_SIGNER),
  snapshot: one(DIRECTOR_SIGNER),
  timestamp: one(DIRECTOR_SIGNER),
  director: { ...one(DIRECTOR_SIGNER), epoch: 1 },
  ...changes,
});

export const rootText = (changes: Partial<RootContent> = {}, signers = [ROOT_SIGNER]): string =>
  signDocument(buildRoot(rootContent(changes)), signers);

export const trustedRoot = (changes: Partial<RootContent> = {}): Root =>
  verifyRoot(null, rootText(changes), NOW_MS);

export const targetsText = (
  changes: { version?: number; expires?: number; threshold?: number } = {},
): string => {
  const { version = 1, expires = NOW_MS + DAY_MS, threshold = 1 } = changes;
  const models = [
    { model: 'tiny', keys: [TINY_SIGNER.publicKey, testSigner('tiny-2').publicKey], threshold },
    { model: 'keyword', ...one(testSigner('keyword')) },
  ];
  return signDocument(buildTargets({ version, expires, models }), [TARGETS_SIGNER]);
};

export const trustedTargets = (threshold = 1): TargetsRole =>
  verifyTargets(trustedRoot(), targetsText({ threshold }), NOW_MS);

export const RELEASE = { version: '1.0.0', releaseCounter: 3, length: 2_000, sha256: 'ab'.repeat(32) };

export const modelRoleContent = (changes: Partial<ModelRoleContent> = {}): ModelRoleContent => ({
  model: 'tiny',
  version: 4,
  expires: NOW_MS + DAY_MS,
  minReleaseCounter: 2,
  releases: [RELEASE],
  ...changes,
});

export const modelRoleText = (changes: Partial<ModelRoleContent> = {}, signers = [TINY_SIGNER]): string =>
  signDocument(buildModelRole(modelRoleContent(changes)), signers);

export const ASSIGNED: AssignmentModel = {
  model: 'tiny',
  version: RELEASE.version,
  manifestLength: RELEASE.length,
  manifestSha256: RELEASE.sha256,
  releaseCounter: RELEASE.releaseCounter,
  variants: ['int8-cpu'],
  mode: 'run',
  attempt: 1,
  rollout: '01980000-0000-7000-8000-000000000001',
  soakMs: 6_000,
  minInferences: 50,
  soakDeadlineMs: 300_000,
  installBefore: NOW_MS + 30 * DAY_MS,
};

export const assignmentContent = (changes: Partial<AssignmentContent> = {}): AssignmentContent => ({
  fleet: 'lab',
  device: 'edge-1',
  directorEpoch: 1,
  generation: 7,
  tufVersion: 9,
  issuedAt: NOW_MS - 1_000,
  expires: NOW_MS + DAY_MS,
  models: [ASSIGNED],
  ...changes,
});

export const assignmentText = (changes: Partial<AssignmentContent> = {}, signer = DIRECTOR_SIGNER): string =>
  signDocument(buildAssignment(assignmentContent(changes)), [signer]);
