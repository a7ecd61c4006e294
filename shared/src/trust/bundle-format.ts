import { Type } from 'typebox';
import { CodedError } from '../errors/index.ts';
import { checkerOf } from '../protocol/check.ts';
import { Count, EpochMs, Id } from '../protocol/ids.ts';
import type { BundleContent } from './bundle.ts';
import { parseDocument, type UnverifiedDocument } from './signed-document.ts';

/** So that bundle.json stays below the length of any signed document. */
export const MAX_BUNDLE_FILES = 2_000;
export const MAX_BUNDLE_DEVICES = 200;

const Hashes = Type.Object({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) });
const Version = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Length = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const Signed = Type.Object({
  _type: Type.Literal('x-ringfleet-bundle'),
  version: Version,
  expires: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' }),
  fleet: Id,
  directorEpoch: Count,
  issuedAt: EpochMs,
  devices: Type.Array(Id, { minItems: 1, maxItems: MAX_BUNDLE_DEVICES }),
  meta: Type.Record(Type.String(), Type.Object({ version: Version, length: Length, hashes: Hashes })),
  files: Type.Record(Type.String(), Type.Object({ length: Length, hashes: Hashes })),
});
const checkSigned = checkerOf(Signed, 'bundle', 'METADATA_MALFORMED');

const MODEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const ROLE_FILE = new RegExp(`^(?:targets|m\\.${MODEL})\\.json$`);
/** Nothing else is ever opened: no name in a bundle can lead out of its folder. */
const PATHS = [
  new RegExp(`^metadata/[1-9]\\d{0,15}\\.(?:root|targets|m\\.${MODEL})\\.json$`),
  /^(?:assignments|acks)\/[A-Za-z0-9_-]{1,64}\.json$/,
  /^artifacts\/sha256\/[0-9a-f]{64}$/,
];

/** Reads the content of a bundle; its signatures are the caller's business. Throws METADATA_MALFORMED. */
export function readBundle(document: UnverifiedDocument): BundleContent {
  const { _type, expires, meta, files, ...rest } = checkSigned(document.signed);
  const expiresMs = Date.parse(expires);
  if (Number.isNaN(expiresMs)) throw malformed('expires is no date', '/expires');
  const named = Object.entries(files);
  if (named.length > MAX_BUNDLE_FILES) throw malformed(`more than ${MAX_BUNDLE_FILES} files`, '/files');
  for (const [path, { hashes }] of named) {
    if (!PATHS.some((pattern) => pattern.test(path)))
      throw malformed(`no bundle has a file ${JSON.stringify(path.slice(0, 200))}`, '/files');
    if (path.startsWith('artifacts/') && !path.endsWith(hashes.sha256))
      throw malformed(`${path} is listed with another sha256`, '/files');
  }
  for (const file of Object.keys(meta)) {
    if (!ROLE_FILE.test(file)) throw malformed(`${JSON.stringify(file.slice(0, 200))} is no role`, '/meta');
  }
  return {
    ...rest,
    expires: expiresMs,
    meta: Object.fromEntries(
      Object.entries(meta).map(([file, { version, length, hashes }]) => [
        file,
        { version, length, sha256: hashes.sha256 },
      ]),
    ),
    files: named.map(([path, { length, hashes }]) => ({ path, length, sha256: hashes.sha256 })),
  };
}

/** What an unverified bundle claims to hold: good for finding files that are verified later. Throws METADATA_*. */
export const peekBundle = (text: string): BundleContent => readBundle(parseDocument(text));

const malformed = (message: string, at: string): CodedError =>
  new CodedError('METADATA_MALFORMED', `bundle: ${message}`, { at });
