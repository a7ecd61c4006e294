import type { CatalogPart } from './error-class.ts';

export const RELEASE_ERRORS = {
  MANIFEST_INVALID: {
    class: 'RELEASE',
    sentence: 'The manifest of the release is not valid.',
    remedy: 'Build the release again with `ringfleet release build`.',
  },
  RELEASE_SOURCE_INVALID: {
    class: 'INPUT',
    sentence: 'The release cannot be built from this folder.',
    remedy: 'Correct the file, line or field that is named.',
  },
  RELEASE_ACCEPTANCE_FAILED: {
    class: 'RELEASE',
    sentence: 'The model misses the minimum that its own acceptance set asks for.',
    remedy: 'Train or quantize it again; lower data.acceptance.minimum only when less is really good enough.',
  },
  RELEASE_OUTPUT_EXISTS: {
    class: 'CONFLICT',
    sentence: 'The output folder exists and was not made by `ringfleet release build`.',
    remedy: 'Remove it, or choose another one with --out.',
  },
  RELEASE_DIST_INVALID: {
    class: 'INPUT',
    sentence: 'The folder is not a built release, or its files changed since it was built.',
    remedy: 'Build it again with `ringfleet release build` and give the folder that it prints.',
  },
} as const satisfies CatalogPart;
