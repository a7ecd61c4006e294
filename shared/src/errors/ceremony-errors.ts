import type { CatalogPart } from './error-class.ts';

export const CEREMONY_ERRORS = {
  DRAFT_OPEN: {
    class: 'CONFLICT',
    sentence: 'A change of this role still waits for its signatures.',
    remedy:
      'Collect them with `ringfleet trust sign DRAFT --key KEYFILE`, or delete the draft to give the change up.',
  },
  DRAFT_INVALID: {
    class: 'INPUT',
    sentence: 'The file is not a draft that waits for signatures, or not of this folder.',
    remedy: 'Give a NAME.draft.json as `ringfleet trust root rotate`, `delegate` or `revoke` writes it.',
  },
  DRAFT_CHANGED: {
    class: 'TRUST',
    sentence: 'The draft says something else than what is to be signed.',
    remedy: 'Do not sign it; ask who made it what it is to change, or have it made again.',
  },
  KEY_STILL_NEEDED: {
    class: 'CONFLICT',
    sentence: 'Without this key its role could not reach its threshold any more.',
    remedy: 'Name a new key for the role first, or lower its threshold, and then revoke this one.',
  },
  KEY_NOT_IN_USE: {
    class: 'INPUT',
    sentence: 'No role names this key.',
    remedy: 'Give a key id or a NAME.pub.json that `ringfleet trust status --dir DIR` shows.',
  },
  KEY_FILE_EXISTS: {
    class: 'CONFLICT',
    sentence: 'There is a key of this name already.',
    remedy: 'Choose another name; keys are never overwritten.',
  },
  THRESHOLD_IMPOSSIBLE: {
    class: 'INPUT',
    sentence: 'The role would need more signatures than it has keys.',
    remedy: 'Give at least as many different keys as the threshold, and a threshold of 1 or more.',
  },
  FLOOR_NOT_HIGHER: {
    class: 'CONFLICT',
    sentence: 'A floor only rises, and this release does not lie above the one that is set.',
    remedy: 'Name a newer release; devices would not take a lower floor back.',
  },
} as const satisfies CatalogPart;
