import type { AttackEntry } from './registry.ts';

const TEST = 'test/integration/airgap.test.ts';

/** A stick that was tampered with, between the server and a device without a network. */
export const STICK_ATTACKS: readonly AttackEntry[] = (
  [
    ['a stick with an altered artifact', 'length and hash of the bytes on the disk', 'ARTIFACT_CORRUPT'],
    ['a stick with a truncated artifact', 'length and hash of the bytes on the disk', 'ARTIFACT_CORRUPT'],
    [
      'a stick with an artifact longer than was signed for',
      'length and hash of the bytes on the disk',
      'ARTIFACT_CORRUPT',
    ],
    ['a stick without one of its artifacts', 'list of the bundle', 'BUNDLE_INCOMPLETE'],
    ['a stick whose list was altered after it was signed', 'signature of the director', 'SIGNATURE_INVALID'],
    ['a stick whose list is cut off', 'strict JSON, form of names', 'METADATA_MALFORMED'],
    ['a stick with a list larger than any needs to be', 'size of a document', 'METADATA_TOO_LARGE'],
    ['a stick whose export never ended', 'the list comes last', 'BUNDLE_MISSING'],
    ['a stick with an altered assignment', 'list of the bundle', 'BUNDLE_FILE_CORRUPT'],
    ['a stick with a truncated assignment', 'list of the bundle', 'BUNDLE_FILE_CORRUPT'],
    ['a stick without the assignment that it lists', 'list of the bundle', 'BUNDLE_INCOMPLETE'],
    ['a stick with altered targets metadata', 'list of the bundle', 'BUNDLE_FILE_CORRUPT'],
    ['a stick without the metadata of the model', 'list of the bundle', 'BUNDLE_INCOMPLETE'],
    ['a stick with an altered root', 'list of the bundle', 'BUNDLE_FILE_CORRUPT'],
    [
      'a stick that makes the device forget reports that nobody stored',
      'list of the bundle',
      'BUNDLE_FILE_CORRUPT',
    ],
    ['a stick with a link in the place of an artifact', 'plain files only', 'BUNDLE_FILE_UNSAFE'],
    ['a stick with a link in the place of a folder', 'plain files only', 'BUNDLE_FILE_UNSAFE'],
    [
      'a stick whose list, signed with the stolen key of the director, names a file outside of it',
      'strict JSON, form of names',
      'METADATA_MALFORMED',
    ],
    ['the stick of another device', 'addressee of the bundle', 'BUNDLE_NOT_MINE'],
    ['a stick for the device of this name in another fleet', 'addressee of the bundle', 'BUNDLE_NOT_MINE'],
    ['a stick past its date', 'date of the bundle', 'BUNDLE_EXPIRED'],
    [
      'a stick for more than 90 days, signed with the stolen key of the director',
      'longest life of a bundle',
      'BUNDLE_LIFE_TOO_LONG',
    ],
    [
      'a stick that leaves out a model, signed with the stolen key of the director',
      'no role goes away or back',
      'METADATA_NOT_NEWER',
    ],
    [
      'a stick that goes back to an older version of a role, signed with the stolen key of the director',
      'no role goes away or back',
      'METADATA_NOT_NEWER',
    ],
    ['an older stick than the one that was taken last', 'version of the bundle', 'BUNDLE_REPLAYED'],
  ] as const
).map(([attack, check, code]) => ({ attack, check, code, test: TEST }));
