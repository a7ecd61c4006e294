import 'reflect-metadata';

import { createPrivateKey, webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { X509Certificate } from '@peculiar/x509';
import { CodedError } from '@ringfleet/shared/errors';
import { ALGORITHM, type Pair } from './pki-issue.ts';
import { writeDurably } from './write-durably.ts';

/** `NAME.key.pem` and `NAME.cert.pem`; null when there is none yet, IDENTITY_FILES_INVALID when they cannot be used. */
export async function readPair(folder: string, name: string): Promise<Pair | null> {
  const keyPem = await readIfThere(join(folder, `${name}.key.pem`));
  const certificatePem = await readIfThere(join(folder, `${name}.cert.pem`));
  // The certificate is written last: without it, nothing was ever signed or shown.
  if (certificatePem === null) return null;
  try {
    const der = createPrivateKey(keyPem ?? '').export({ type: 'pkcs8', format: 'der' });
    const privateKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
    return { keyPem: keyPem ?? '', privateKey, certificate: new X509Certificate(certificatePem) };
  } catch (cause) {
    throw new CodedError('IDENTITY_FILES_INVALID', undefined, { cause, at: join(folder, `${name}.key.pem`) });
  }
}

export async function writePair(folder: string, name: string, pair: Pair): Promise<void> {
  await writeDurably(join(folder, `${name}.key.pem`), pair.keyPem, 0o600);
  await writeDurably(join(folder, `${name}.cert.pem`), `${pair.certificate.toString('pem')}\n`, 0o644);
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return null;
    throw err;
  }
}
