import type { CatalogPart } from './error-class.ts';

/** What both sides can meet. */
export const COMMON_ERRORS = {
  USAGE_INVALID: {
    class: 'INPUT',
    sentence: 'The command line is not understood.',
    remedy: 'Run the command with --help to see its verbs and flags.',
  },
  PORT_IN_USE: {
    class: 'INPUT',
    sentence: 'Another program listens on an address that this one needs.',
    remedy: 'Stop that program, or set another port under the key that is named (0 takes any free one).',
  },
  STATE_DIR_IN_USE: {
    class: 'CONFLICT',
    sentence: 'Another process uses this folder.',
    remedy: 'Stop the other process, or give this one a folder of its own (--data-dir, --state-dir).',
  },
  SERVER_UNREACHABLE: {
    class: 'SITE',
    sentence: 'The fleet server cannot be reached.',
    remedy:
      'Check the address, that the server runs, and the network and firewall in between. Devices go on answering.',
  },
} as const satisfies CatalogPart;
