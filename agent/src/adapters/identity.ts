import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@ringfleet/shared/errors';
import { checkerOf, EpochMs, Id } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import { renameDurably, writeDurably } from './durable-file.ts';

const IdentityFile = Type.Object({
  v: Type.Literal(1),
  fleet: Id,
  device: Id,
  apiUrl: Type.String({ maxLength: 500 }),
  mqttUrl: Type.String({ maxLength: 500 }),
  /** Where it enrolled, and where it renews a certificate that has ended. */
  peopleUrl: Type.Optional(Type.String({ maxLength: 500 })),
  notAfter: EpochMs,
});
type IdentityFile = Static<typeof IdentityFile>;

/** Who this device is, how it proves that, and where its server was when it enrolled. */
export interface Identity extends IdentityFile {
  readonly keyPem: string;
  /** The device's certificate and the intermediate CA's. */
  readonly certificatePem: string;
  /** The root CA that the server must prove to belong to. */
  readonly caPem: string;
}

/** Only there after the first renewal. */
const CREDENTIAL = 'credential.pem';
const check = checkerOf(IdentityFile, 'identity.json', 'STATE_INVALID');
const folder = (stateDir: string): string => join(stateDir, 'identity');

/** Throws NOT_ENROLLED, STATE_INVALID. */
export async function readIdentity(stateDir: string): Promise<Identity> {
  const read = (name: string): Promise<string> => readFile(join(folder(stateDir), name), 'utf8');
  let files: [string, string, string, string];
  try {
    files = await Promise.all([
      read('identity.json'),
      read('key.pem'),
      read('certificate.pem'),
      read('ca.pem'),
    ]);
  } catch (cause) {
    throw new CodedError('NOT_ENROLLED', `${stateDir} holds no identity`, { cause, at: stateDir });
  }
  const [json, keyPem, certificatePem, caPem] = files;
  const renewed = await readCredential(stateDir);
  return { ...check(JSON.parse(json)), keyPem, certificatePem, caPem, ...renewed };
}

/** A renewed key and its certificate, in one file: after a power cut either both are the old ones or both the new. */
export async function writeCredential(
  stateDir: string,
  keyPem: string,
  certificatePem: string,
): Promise<void> {
  await writeDurably(join(folder(stateDir), CREDENTIAL), `${keyPem.trim()}\n${certificatePem.trim()}\n`);
}

async function readCredential(stateDir: string): Promise<Partial<Identity>> {
  let text: string;
  try {
    text = await readFile(join(folder(stateDir), CREDENTIAL), 'utf8');
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return {};
    throw err;
  }
  const at = text.indexOf('-----BEGIN CERTIFICATE-----');
  const certificatePem = text.slice(at);
  const notAfter = Date.parse(new X509Certificate(certificatePem).validTo);
  return { keyPem: text.slice(0, at), certificatePem, notAfter };
}

export async function isEnrolled(stateDir: string): Promise<boolean> {
  return readIdentity(stateDir).then(
    () => true,
    () => false,
  );
}

/** Writes identity and pinned root, all readable by the owner only; the identity appears whole or not at all. */
export async function writeIdentity(
  stateDir: string,
  identity: Identity,
  pinnedRoot: string,
  minimum: Readonly<Record<string, number>> = {},
): Promise<void> {
  const { keyPem, certificatePem, caPem, ...file } = identity;
  const temporary = join(stateDir, 'identity.new');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  await mkdir(join(stateDir, 'trust'), { recursive: true, mode: 0o700 });
  await writeDurably(join(stateDir, 'trust', 'root.json'), pinnedRoot);
  await writeDurably(join(stateDir, 'trust', 'minimum.json'), `${JSON.stringify(minimum)}\n`);
  await writeDurably(join(temporary, 'key.pem'), keyPem);
  await writeDurably(join(temporary, 'certificate.pem'), certificatePem);
  await writeDurably(join(temporary, 'ca.pem'), caPem);
  await writeDurably(join(temporary, 'identity.json'), `${JSON.stringify(file, null, 2)}\n`);
  await renameDurably(temporary, folder(stateDir));
}
