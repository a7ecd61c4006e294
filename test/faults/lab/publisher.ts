import { randomBytes } from 'node:crypto';
import {
  type AssignmentModel,
  buildAssignment,
  buildModelRole,
  buildRoot,
  buildSnapshot,
  buildTargets,
  buildTime,
  buildTimestamp,
  fileMetaOf,
  generateKeyPair,
  signDocument,
  signerOf,
} from '@ringfleet/shared/trust';
import type { LabRelease } from './releases.ts';

const DAY_MS = 86_400_000;
export const FLEET = 'faults';

/** Terms of an assigned release; short, so that a whole update takes a second. */
export type Terms = Partial<AssignmentModel>;

/** Signs as the project's own code does: one root, one publisher, one server. */
export class Publisher {
  readonly #keys = { root: signer(), publisher: signer(), server: signer() };
  readonly #expires: number;
  readonly #releases: readonly LabRelease[];
  readonly root: string;
  /** What the server gives out under `metadata/`. */
  readonly metadata = new Map<string, string>();
  /** What it gives out under `artifacts/`, by bare hex. */
  readonly artifacts = new Map<string, Buffer>();
  #tufVersion = 0;

  /** Valid for many years, because some devices' clocks are turned forward. */
  constructor(releases: readonly LabRelease[], nowMs = Date.now()) {
    this.#releases = releases;
    this.#expires = nowMs + 20 * 365 * DAY_MS;
    const expires = this.#expires;
    const { root, publisher, server } = this.#keys;
    const by = (one: typeof root) => ({ keys: [one.publicKey], threshold: 1 });
    this.root = signDocument(
      buildRoot({
        version: 1,
        expires,
        isDevelopment: true,
        root: by(root),
        targets: by(root),
        snapshot: by(server),
        timestamp: by(server),
        director: { ...by(server), epoch: 1 },
      }),
      [root],
    );
    const targets = signDocument(
      buildTargets({ version: 1, expires, models: [{ model: 'tiny', ...by(publisher) }] }),
      [root],
    );
    const role = signDocument(
      buildModelRole({
        model: 'tiny',
        version: 1,
        expires,
        minReleaseCounter: 1,
        releases: releases.map(({ version, releaseCounter, manifestBytes, manifestSha256 }) => ({
          version,
          releaseCounter,
          length: manifestBytes,
          sha256: manifestSha256,
        })),
      }),
      [publisher],
    );
    const meta = { 'targets.json': fileMetaOf(targets), 'm.tiny.json': fileMetaOf(role) };
    const snapshot = signDocument(buildSnapshot({ version: 1, expires, meta }), [server]);
    const timestamp = buildTimestamp({ version: 1, expires, snapshot: fileMetaOf(snapshot) });
    this.metadata.set('1.root.json', this.root);
    this.metadata.set('1.targets.json', targets);
    this.metadata.set('1.m.tiny.json', role);
    this.metadata.set('1.snapshot.json', snapshot);
    this.metadata.set('timestamp.json', signDocument(timestamp, [server]));
    for (const { files } of releases) for (const [hex, bytes] of files) this.artifacts.set(hex, bytes);
  }

  /** The signed assignment of one version, or of nothing. Later calls are newer. */
  assign(device: string, generation: number, version: string | null, terms: Terms = {}): string {
    this.#tufVersion += 1;
    const release = this.#releases.find((one) => one.version === version);
    if (version !== null && !release) throw new Error(`${version} was not built`);
    const issuedAt = Date.now();
    const content = {
      fleet: FLEET,
      device,
      directorEpoch: 1,
      generation,
      tufVersion: this.#tufVersion,
      issuedAt,
      expires: this.#expires,
      models: release ? [this.#assigned(release, terms)] : [],
    };
    return signDocument(buildAssignment(content), [this.#keys.server]);
  }

  /** The signed answer to a device that asks for the time. */
  time(nonce: string): string {
    return signDocument(buildTime({ fleet: FLEET, nonce, atMs: Date.now() }), [this.#keys.server]);
  }

  #assigned(release: LabRelease, terms: Terms): AssignmentModel {
    return {
      model: 'tiny',
      version: release.version,
      manifestLength: release.manifestBytes,
      manifestSha256: release.manifestSha256,
      releaseCounter: release.releaseCounter,
      variants: ['int8-cpu'],
      mode: 'run',
      attempt: 0,
      soakMs: 50,
      minInferences: 1,
      soakDeadlineMs: 60_000,
      installBefore: this.#expires,
      ...terms,
    };
  }
}

const signer = () => signerOf(generateKeyPair(randomBytes(32)).secretKey);
