import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  buildModelRole,
  buildRoot,
  keyIdOf,
  type ModelRole,
  type Root,
  readModelRole,
  type Signer,
  signDocument,
  verifyRoot,
} from '@ringfleet/shared/trust';
import type { Random } from './random.ts';
import { releaseOf, type SimRelease } from './releases.ts';

const YEAR_MS = 365 * 86_400_000;
/** RFC 8410: what stands before the 32 bytes of an ed25519 key in a DER PrivateKeyInfo. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Signs natively: tweetnacl, which needs no native code, would take most of the time of a history. */
export function nativeSigner(name: string): Signer {
  const seed = createHash('sha256').update(name).digest();
  const secret: KeyObject = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const bytes = createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32);
  const publicKey = {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: bytes.toString('hex') },
  } as const;
  return { keyid: keyIdOf(publicKey), publicKey, sign: (message) => sign(null, message, secret) };
}

export const DIRECTOR = nativeSigner('director');
const OFFLINE = nativeSigner('offline');

/** The publishers' side: a root, and per model the releases and the floor of today. */
export class Publisher {
  readonly root: Root;
  readonly rootText: string;
  readonly roles = new Map<string, ModelRole>();
  readonly #releases = new Map<string, SimRelease>();
  readonly #documents = new Map<string, { readonly version: number; readonly text: string }>();
  readonly #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
    const one = (signer: Signer) => ({ keys: [signer.publicKey], threshold: 1 });
    const content = {
      version: 1,
      expires: nowMs + 20 * YEAR_MS,
      isDevelopment: true,
      root: one(OFFLINE),
      targets: one(OFFLINE),
      snapshot: one(DIRECTOR),
      timestamp: one(DIRECTOR),
      director: { ...one(DIRECTOR), epoch: 1 },
    };
    this.rootText = signDocument(buildRoot(content), [OFFLINE]);
    this.root = verifyRoot(null, this.rootText, nowMs);
  }

  releaseBy(digest: string): SimRelease {
    const release = this.#releases.get(digest);
    if (!release) throw new Error(`nobody published ${digest}`);
    return release;
  }

  releasesOf(model: string): readonly SimRelease[] {
    return [...this.#releases.values()].filter((one) => one.model === model);
  }

  /** The newest signed document of a model's role. */
  documentOf(model: string): { readonly version: number; readonly text: string } | null {
    return this.#documents.get(model) ?? null;
  }

  /** Signs the next release of a model. */
  publish(model: string, random: Random): SimRelease {
    const release = releaseOf(model, this.releasesOf(model).length + 1, random);
    this.#releases.set(release.digest, release);
    this.#sign(model, this.roles.get(model)?.minReleaseCounter ?? 1);
    return release;
  }

  raiseFloor(model: string, floor: number): void {
    this.#sign(model, floor);
  }

  #sign(model: string, minReleaseCounter: number): void {
    const releases = this.releasesOf(model).map(({ version, releaseCounter, length, sha256 }) => ({
      version,
      releaseCounter,
      length,
      sha256,
    }));
    const version = (this.roles.get(model)?.version ?? 0) + 1;
    const expires = this.#nowMs + 20 * YEAR_MS;
    const text = signDocument(buildModelRole({ model, version, expires, minReleaseCounter, releases }), [
      OFFLINE,
    ]);
    this.roles.set(model, readModelRole(text));
    this.#documents.set(model, { version, text });
  }
}
