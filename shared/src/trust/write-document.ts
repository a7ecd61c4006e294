import { Root, Targets } from '@tufjs/models';
import { keyIdOf } from './keys.ts';
import { SPEC_VERSION, tufTime } from './read-document.ts';
import type { RoleKeys, SignedPart, TufKey } from './types.ts';

interface Common {
  readonly version: number;
  readonly expires: number;
}

/** Root metadata of these fields, as the tufjs models write and accept it. */
export function rootPart(common: Common, fields: SignedPart): SignedPart {
  return Root.fromJSON(toJson('root', common, fields)).toJSON() as SignedPart;
}

/** Targets metadata of these fields, as the tufjs models write and accept it. */
export function targetsPart(common: Common, fields: SignedPart): SignedPart {
  return Targets.fromJSON(toJson('targets', common, fields)).toJSON() as SignedPart;
}

/** Keys by id, once each. */
export function keysPart(keys: readonly TufKey[]): Readonly<Record<string, TufKey>> {
  return Object.fromEntries(keys.map((key) => [keyIdOf(key), key]));
}

export function rolePart({ keys, threshold }: RoleKeys): { keyids: string[]; threshold: number } {
  return { keyids: [...new Set(keys.map(keyIdOf))], threshold };
}

// The JSON type of the models is not exported by their package, and is mutable.
// biome-ignore lint/suspicious/noExplicitAny: see above
const toJson = (type: 'root' | 'targets', { version, expires }: Common, fields: SignedPart): any => ({
  _type: type,
  spec_version: SPEC_VERSION,
  version,
  expires: tufTime(expires),
  ...fields,
});
