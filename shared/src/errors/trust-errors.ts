import type { CatalogPart } from './error-class.ts';

export const TRUST_ERRORS = {
  METADATA_TOO_LARGE: {
    class: 'TRUST',
    sentence: 'The signed document is larger than is ever needed.',
    remedy: 'Fetch it again; if it stays so, look for who changed it on the way.',
  },
  METADATA_MALFORMED: {
    class: 'TRUST',
    sentence: 'The signed document does not have the form of its kind.',
    remedy: 'Fetch it again, or have its signer make and sign it again.',
  },
  METADATA_UNSIGNED: {
    class: 'TRUST',
    sentence: 'The document carries no signature.',
    remedy: 'Sign it with the keys of its role.',
  },
  SIGNATURE_INVALID: {
    class: 'TRUST',
    sentence:
      'A signature does not fit the document: its bytes were changed after signing, or a wrong key signed.',
    remedy: 'Fetch it again from where it was published; if it stays so, sign it again.',
  },
  KEY_UNKNOWN: {
    class: 'TRUST',
    sentence: 'The document is signed only with keys that its role does not name.',
    remedy: 'Sign with a key of the role, or have the root or targets role name this key first.',
  },
  THRESHOLD_NOT_MET: {
    class: 'TRUST',
    sentence: 'Fewer different keys signed the document than its role asks for.',
    remedy: 'Collect the missing signatures.',
  },
  METADATA_EXPIRED: {
    class: 'TRUST',
    sentence: 'The signed document is past its date. Nothing new installs; what runs goes on running.',
    remedy: "Have its signer renew it, and check this machine's clock.",
  },
  METADATA_NOT_NEWER: {
    class: 'TRUST',
    sentence: 'The document has not the version that must follow the one already trusted.',
    remedy: 'Publish the newest version; older ones are never taken back.',
  },
  METADATA_MISMATCH: {
    class: 'TRUST',
    sentence: 'A signed document is not the one that the signed document above it names.',
    remedy: 'Fetch it again; if it stays so, the repository mixes files of different points in time.',
  },
  METADATA_MISSING: {
    class: 'TRUST',
    sentence: 'The repository lacks a signed document that is needed.',
    remedy: 'Publish it, and check the address of the repository.',
  },
  TARGET_UNKNOWN: {
    class: 'INPUT',
    sentence: 'No role that may speak of this target names it.',
    remedy: 'Check the name of the target, and that its role was published.',
  },
  TARGET_MISMATCH: {
    class: 'TRUST',
    sentence: 'The file is not the one that was signed for.',
    remedy: 'Download it again; if it stays so, look for who changed it on the way.',
  },
  DOWNLOAD_TOO_SLOW: {
    class: 'INFRA',
    sentence: 'The download is slower than the least that is accepted.',
    remedy: 'Check the network between here and the repository; it is tried again.',
  },
  TIME_REPLAYED: {
    class: 'TRUST',
    sentence: 'The signed time answers another question than the one just asked.',
    remedy: 'It is asked again; if it stays so, look for who answers for the server on the way.',
  },
  TIME_OTHER_FLEET: {
    class: 'TRUST',
    sentence: 'The time is signed for another fleet.',
    remedy: 'Check the address of the server.',
  },
  TIME_BEYOND_ROOT: {
    class: 'TRUST',
    sentence: 'The signed time lies beyond the end of the trusted root.',
    remedy: "Check the server's clock; if it is right, renew the root and publish it.",
  },
  WIPE_NOT_MINE: {
    class: 'TRUST',
    sentence: 'The wipe order names other devices, or another fleet.',
    remedy: 'Have an order made for this device.',
  },
  WIPE_REPLAYED: {
    class: 'TRUST',
    sentence: 'The wipe order was carried out on this device before.',
    remedy: 'Have a new order made; each is good for one time.',
  },
  WIPE_ACCEPTED: {
    class: 'DEVICE',
    sentence:
      'The device carries out a signed wipe order: it erases models, reports, key and identity, and stops.',
    remedy: 'Enroll it again to take it back.',
  },
  REPOSITORY_UNREACHABLE: {
    class: 'INFRA',
    sentence: 'The repository did not answer as it should.',
    remedy: 'Check its address and that it is up.',
  },
  MODEL_NOT_DELEGATED: {
    class: 'TRUST',
    sentence: 'The targets role names no keys for this model.',
    remedy: "Add the model and its publisher's key to the targets role and publish that first.",
  },
  DIRECTOR_EPOCH_UNKNOWN: {
    class: 'TRUST',
    sentence: 'The assignment is of another director epoch than the trusted root names.',
    remedy: 'Fetch the newest root, or have the server sign under the epoch of the root.',
  },
  ASSIGNMENT_NOT_MINE: {
    class: 'TRUST',
    sentence: 'The assignment is for another device.',
    remedy: 'Look for mixed-up identities or a copied state folder.',
  },
  ASSIGNMENT_REPLAYED: {
    class: 'TRUST',
    sentence: 'The assignment is not newer than the one this device has accepted.',
    remedy:
      'Nothing to do when it is the same one; otherwise check whether the server was restored from a backup.',
  },
  GENERATION_CONFLICT: {
    class: 'TRUST',
    sentence: 'The assignment changes its content without a new generation.',
    remedy:
      'Check whether the server was restored from a backup, or whether two servers sign for this fleet.',
  },
  ASSIGNMENT_MISMATCH: {
    class: 'TRUST',
    sentence: 'Assignment and publisher disagree about a release.',
    remedy: 'Publish the release again; if it stays so, treat the server as compromised.',
  },
  RELEASE_NOT_SIGNED: {
    class: 'TRUST',
    sentence: 'No publisher of the model has signed this release.',
    remedy: 'Sign it with `ringfleet release sign` and publish it.',
  },
  RELEASE_BELOW_FLOOR: {
    class: 'TRUST',
    sentence: 'The release is older than the oldest one that may still be installed.',
    remedy: 'Assign a newer release.',
  },
  KEY_PASSPHRASE_WRONG: {
    class: 'INPUT',
    sentence: 'The passphrase does not open the key file, or the file was changed.',
    remedy: 'Try again with the right passphrase.',
  },
  KEY_PASSPHRASE_MISSING: {
    class: 'INPUT',
    sentence: 'A passphrase is needed to open or make a key file.',
    remedy: 'Set RINGFLEET_KEY_PASSPHRASE, give --passphrase-file, or run it on a terminal.',
  },
  KEY_FILE_INVALID: {
    class: 'INPUT',
    sentence: 'The file is not a key file of Ringfleet.',
    remedy: 'Give a NAME.key.json or NAME.pub.json as `ringfleet trust init` writes them.',
  },
  TRUST_DIR_EXISTS: {
    class: 'CONFLICT',
    sentence: 'The folder already holds keys or metadata.',
    remedy: 'Choose another folder; keys are never overwritten.',
  },
  TRUST_DIR_INVALID: {
    class: 'INPUT',
    sentence: 'The trust folder lacks a file that is needed.',
    remedy: 'Give the folder that `ringfleet trust init` made.',
  },
  TRUST_INTERNAL: {
    class: 'INFRA',
    sentence: 'Something failed that should not have.',
    remedy: 'Report it with the log lines around it.',
  },
} as const satisfies CatalogPart;
