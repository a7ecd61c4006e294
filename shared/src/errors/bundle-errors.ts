import type { CatalogPart } from './error-class.ts';

export const BUNDLE_ERRORS = {
  BUNDLE_MISSING: {
    class: 'INPUT',
    sentence: 'The folder holds no finished bundle: there is no bundle.json.',
    remedy: 'Give the folder that `ringfleet bundle export --out` wrote; if it broke off, run it again.',
  },
  BUNDLE_NOT_MINE: {
    class: 'TRUST',
    sentence: 'The bundle was not made for this device.',
    remedy: 'Take the stick of this device, or export again with --device and the id that the agent shows.',
  },
  BUNDLE_EXPIRED: {
    class: 'TRUST',
    sentence: 'The bundle is past its date. Nothing of it was taken; what runs goes on running.',
    remedy: "Export a new bundle, and check this device's clock.",
  },
  BUNDLE_LIFE_TOO_LONG: {
    class: 'TRUST',
    sentence: 'The bundle wants to be good for longer than 90 days.',
    remedy: 'Export it again with --expires 90d or less.',
  },
  BUNDLE_REPLAYED: {
    class: 'TRUST',
    sentence: 'This device has already taken a newer bundle.',
    remedy: 'Use the newest stick; older ones are never taken back.',
  },
  BUNDLE_INCOMPLETE: {
    class: 'TRUST',
    sentence: 'A file that the bundle should hold is missing.',
    remedy: 'Export the bundle again to the same folder: only what is missing is copied.',
  },
  BUNDLE_FILE_CORRUPT: {
    class: 'TRUST',
    sentence: 'A file of the bundle is not the one that was signed for.',
    remedy: 'Export the bundle again to the same folder; if it stays so, use another stick.',
  },
  BUNDLE_FILE_UNSAFE: {
    class: 'TRUST',
    sentence: 'A name in the bundle leads somewhere else, or is not a plain file.',
    remedy: 'Export the bundle again to an empty folder, and ask who changed this one.',
  },
  BUNDLE_TOO_LARGE: {
    class: 'INPUT',
    sentence: 'The bundle would hold more files or devices than one bundle may.',
    remedy: 'Export fewer devices at a time.',
  },
  BUNDLE_EMPTY: {
    class: 'INPUT',
    sentence: 'No device was chosen.',
    remedy: 'Give --device ID, or a --selector that matches devices; `ringfleet device list` shows them.',
  },
  STICK_UNREADABLE: {
    class: 'SITE',
    sentence: 'The stick cannot be read. Nothing of it was taken.',
    remedy: 'Put it in again and repeat the command; if it stays so, use another stick.',
  },
  STICK_NOT_WRITABLE: {
    class: 'SITE',
    sentence: 'The folder cannot be written to.',
    remedy: 'Free space on it or remove its write protection, then repeat the command.',
  },
  IMPORT_UNEXPECTED: {
    class: 'INPUT',
    sentence: 'The agent did not ask for this file.',
    remedy: 'Use `ringfleet-agent import` of the same version as the agent that runs.',
  },
  RESULTS_MISSING: {
    class: 'INPUT',
    sentence: 'The folder holds no results of a device.',
    remedy: 'Run `ringfleet-agent import DIR` or `ringfleet-agent export-reports DIR` at the device first.',
  },
  RESULTS_REFUSED: {
    class: 'TRUST',
    sentence: 'The results were not signed by a device of this fleet.',
    remedy: 'Write them again at the device with `ringfleet-agent export-reports DIR`.',
  },
} as const satisfies CatalogPart;
