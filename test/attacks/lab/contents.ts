import type {
  AssignmentContent,
  AssignmentModel,
  FileMeta,
  ModelRoleContent,
  OnlineContent,
  RootContent,
  SignedRelease,
  TargetsContent,
} from '@ringfleet/shared/trust';
import { KEYS, roleOfKeys } from './keys.ts';
import { RELEASES, type ReleaseFiles } from './releases.ts';

export const DAY_MS = 86_400_000;
/** The device's time in every attack that does not turn its clock. */
export const NOW_MS = Date.parse('2030-06-01T00:00:00Z');

/** Ten apart, so that there is room for what is older. */
export const versionOf = (step: number): number => 10 * step;

/** What each document says. */
export interface Contents {
  readonly root: RootContent;
  readonly tiny: ModelRoleContent;
  readonly other: ModelRoleContent;
  readonly targets: TargetsContent;
  readonly snapshot: OnlineContent & { readonly meta: Readonly<Record<string, FileMeta>> };
  readonly timestamp: OnlineContent & { readonly snapshot: FileMeta };
  readonly assignment: AssignmentContent;
}
export type Doc = keyof Contents;

export const rootContent = (version: number): RootContent => ({
  version,
  expires: NOW_MS + 365 * DAY_MS,
  isDevelopment: false,
  root: roleOfKeys(2, KEYS.rootA, KEYS.rootB, KEYS.rootC),
  targets: roleOfKeys(1, KEYS.targets),
  snapshot: roleOfKeys(1, KEYS.snapshot),
  timestamp: roleOfKeys(1, KEYS.timestamp),
  director: { ...roleOfKeys(1, KEYS.director), epoch: 1 },
});

export const targetsContent = (step: number): TargetsContent => ({
  version: versionOf(step),
  expires: NOW_MS + 300 * DAY_MS,
  models: [
    { model: 'tiny', ...roleOfKeys(2, KEYS.tinyA, KEYS.tinyB) },
    { model: 'other', ...roleOfKeys(1, KEYS.other) },
  ],
});

/** 1.0.0 has counter 2 and was committed under the floor 2, so that there is one release below it and one between. */
export const tinyContent = (step: number): ModelRoleContent => ({
  model: 'tiny',
  version: versionOf(step),
  expires: NOW_MS + 200 * DAY_MS,
  minReleaseCounter: 2,
  releases: step === 1 ? [signed('0.9.0'), signed('1.0.0')] : Object.keys(RELEASES).map(signed),
});

export const otherContent = (step: number): ModelRoleContent => ({
  model: 'other',
  version: versionOf(step),
  expires: NOW_MS + 200 * DAY_MS,
  minReleaseCounter: 0,
  releases: [{ version: '3.0.0', releaseCounter: 7, length: 100, sha256: 'ab'.repeat(32) }],
});

export const assignmentContent = (step: number): AssignmentContent => ({
  fleet: 'lab',
  device: 'd-1',
  directorEpoch: 1,
  generation: versionOf(step),
  tufVersion: versionOf(step),
  issuedAt: NOW_MS,
  expires: NOW_MS + DAY_MS,
  models: [assigned(step === 1 ? '1.0.0' : '1.1.0')],
});

/** The director's half of a release of `tiny`. */
export function assigned(version: string): AssignmentModel {
  const { releaseCounter, length, sha256 } = signed(version);
  return {
    model: 'tiny',
    version,
    manifestLength: length,
    manifestSha256: sha256,
    releaseCounter,
    variants: ['cpu'],
    mode: 'run',
    attempt: 0,
    soakMs: 0,
    minInferences: 0,
    soakDeadlineMs: 1_000,
    installBefore: NOW_MS + 30 * DAY_MS,
  };
}

/** The publisher's half. */
export function signed(version: string): SignedRelease {
  const { releaseCounter, manifest } = RELEASES[version] as ReleaseFiles;
  return { version, releaseCounter, length: manifest.bytes.length, sha256: manifest.sha256 };
}
