import { CodedError } from '@ringfleet/shared/errors';
import {
  fileMetaOf,
  type Root,
  readRoot,
  verifyModelRole,
  verifyOnline,
  verifyRoot,
  verifyTargets,
} from '@ringfleet/shared/trust';
import type { Clock, Log } from '../ports/log.ts';
import type { Change, TrustStore } from '../ports/stores.ts';
import type { Repository } from './repository.ts';

/** A version of our own that is further ahead than this, beyond what we know and the time in seconds, is not believed. */
const MAX_AHEAD = 1_000_000;

export interface LostMetadataParts {
  readonly trust: TrustStore;
  readonly repository: Pick<Repository, 'outdo'>;
  /** Of the key that this server signs with. */
  readonly onlineKeyId: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Takes a signed document that a device keeps and this server may have lost: a server put back from a backup gets what was
 * published since from those who have it. The device is believed nothing; each document is verified as if its signers had
 * published it, and an older one than ours is left alone. Answers whether it was news. Throws the codes of the trust module.
 */
export function lostMetadata({ trust, repository, onlineKeyId, clock, log }: LostMetadataParts) {
  async function root(): Promise<{ root: Root; text: string }> {
    const text = await trust.get('root');
    if (text === null) throw new CodedError('TRUST_NOT_INITIALISED');
    return { root: readRoot(text), text };
  }

  async function outdone(role: 'snapshot' | 'timestamp', document: string): Promise<boolean> {
    const known = await trust.get(role);
    if (known === document) return false;
    const shown = verifyOnline((await root()).root, role, document);
    const last = known === null ? 0 : fileMetaOf(known).version;
    if (shown.version > Math.max(last, Math.floor(clock() / 1000)) + MAX_AHEAD) {
      throw new CodedError('METADATA_NOT_NEWER', `version ${shown.version} of ${role} is out of all reason`);
    }
    if (shown.version < last) return false;
    repository.outdo(role, shown.version);
    return true;
  }

  async function verifiedVersion(role: string, document: string): Promise<number> {
    const { root: trusted, text } = await root();
    if (role === 'root') {
      const next = verifyRoot(text, document, null);
      if (!next.director.keys.has(onlineKeyId)) throw new CodedError('ONLINE_KEY_NOT_IN_ROOT');
      return next.version;
    }
    if (role === 'targets') return verifyTargets(trusted, document, clock()).version;
    const targetsText = await trust.get('targets');
    if (targetsText === null)
      throw new CodedError('MODEL_NOT_DELEGATED', 'no targets role was published yet');
    const targets = verifyTargets(trusted, targetsText, null);
    return verifyModelRole(targets, role.slice('m.'.length), document, clock()).version;
  }

  return async (role: string, document: string, device: string): Promise<boolean> => {
    if (role === 'snapshot' || role === 'timestamp') return outdone(role, document);
    const known = await trust.get(role);
    // Signatures cost: what is not newer is not looked at.
    if (known !== null && fileMetaOf(document).version <= fileMetaOf(known).version) return false;
    const version = await verifiedVersion(role, document);
    const change: Change = { by: { kind: 'device', name: device, role: 'viewer' }, atMs: clock() };
    await trust.put(role, version, document, change);
    log.warn({ component: 'repository', role, version, device }, 'a device brought back lost metadata');
    return true;
  };
}

export type TakeLost = ReturnType<typeof lostMetadata>;
