import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Check, failed, ok, skipped, warning } from '@ringfleet/shared/diagnosis';
import { readModelRole, readRoot, readTargets } from '@ringfleet/shared/trust';
import { readPair } from '../adapters/pki-files.ts';

const EARLY_MS = 30 * 86_400_000;
const NAMES = ['ca', 'intermediate', 'server'] as const;

/** The built-in authority and the listeners' certificate. The server renews its own at start. */
export async function checkKeys(dataDir: string, nowMs: number): Promise<Check> {
  for (const name of NAMES) {
    const pair = await readPair(join(dataDir, 'keys'), name).catch(() => 'damaged' as const);
    const path = join(dataDir, 'keys', `${name}.*.pem`);
    if (pair === null || pair === 'damaged') {
      const saw = `${path} ${pair === null ? 'is missing' : 'cannot be read'}`;
      return failed('keys', saw, 'restore a backup: devices trust nobody else');
    }
    const until = pair.certificate.notAfter.getTime();
    const saw = `the certificate ${path} ends on ${day(until)}`;
    if (until < nowMs) return failed('keys', saw, 'start the server again: it renews its own certificate');
    if (name === 'server' && until - nowMs < EARLY_MS)
      return warning('keys', saw, 'start the server again within that time');
  }
  return ok('keys', 'authority and certificates are there and in date');
}

/** What people sign for, and when that ends. */
export async function checkTrust(
  dataDir: string,
  documents: ReadonlyMap<string, string>,
  nowMs: number,
): Promise<Check> {
  const [rootText, targetsText] = [documents.get('root'), documents.get('targets')];
  if (rootText === undefined || targetsText === undefined) {
    return skipped('trust', 'no root was published yet: `ringfleet trust init`, `ringfleet trust publish`');
  }
  const root = readRoot(rootText);
  const online = await onlineKeyId(dataDir);
  if (online === null || !root.director.keys.has(online)) {
    const remedy = 'restore the key from a backup, or publish a root that names keys/online.pub.json';
    return failed('trust', 'the root does not name the online key of this folder', remedy);
  }
  const targets = readTargets(targetsText);
  const models = [...targets.models.keys()].flatMap((model) => {
    const text = documents.get(`m.${model}`);
    return text === undefined ? [] : [{ role: `m.${model}`, expires: readModelRole(text).expires }];
  });
  const dated = [
    { role: 'root', expires: root.expires },
    { role: 'targets', expires: targets.expires },
    ...models,
  ];
  const first = dated.toSorted((a, b) => a.expires - b.expires)[0] ?? { role: 'root', expires: 0 };
  const saw = `${first.role} ends first, on ${day(first.expires)}`;
  const remedy = 'its holders renew it: `ringfleet trust status` says how';
  if (first.expires < nowMs) return failed('trust', `${saw}: nothing new installs`, remedy);
  return first.expires - nowMs < EARLY_MS ? warning('trust', saw, remedy) : ok('trust', saw);
}

async function onlineKeyId(dataDir: string): Promise<string | null> {
  try {
    const { keyid } = JSON.parse(await readFile(join(dataDir, 'keys', 'online.pub.json'), 'utf8')) as {
      keyid: string;
    };
    return keyid;
  } catch {
    // Missing or damaged: the same to whoever has to mend it.
    return null;
  }
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
