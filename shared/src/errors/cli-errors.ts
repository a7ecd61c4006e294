import type { CatalogPart } from './error-class.ts';

export const CLI_ERRORS = {
  CLI_CONFIG_INVALID: {
    class: 'INPUT',
    sentence: 'The CLI configuration file is not valid.',
    remedy:
      'Correct the field that is named; the file holds {default, profiles: {NAME: {url, token, tokenFile, caFile}}}.',
  },
  CLI_CONFIG_UNSAFE: {
    class: 'INPUT',
    sentence: 'Other users of this machine can read the CLI configuration file, which may hold a token.',
    remedy: 'Run `chmod 600` on it, and replace the token if others may have seen it.',
  },
  PROFILE_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The CLI configuration has no profile of this name.',
    remedy: 'Give one of the profiles in ~/.config/ringfleet/cli.yaml with --profile.',
  },
  SERVER_URL_MISSING: {
    class: 'INPUT',
    sentence: 'No fleet server is named.',
    remedy: 'Give --server URL, set RINGFLEET_URL, or add a profile to ~/.config/ringfleet/cli.yaml.',
  },
  SERVER_URL_INVALID: {
    class: 'INPUT',
    sentence: 'The address of the fleet server is not usable.',
    remedy:
      'Give https://HOST:PORT; plain http is for loopback only, because it would show the token on the network.',
  },
  TOKEN_MISSING: {
    class: 'INPUT',
    sentence: 'No API token is given.',
    remedy:
      'Set RINGFLEET_TOKEN_FILE (the server keeps one in DATA_DIR/keys/admin.token) or RINGFLEET_TOKEN.',
  },
  SERVER_NOT_TRUSTED: {
    class: 'TRUST',
    sentence: "The certificate at this address is not one of the fleet server's.",
    remedy:
      'Set RINGFLEET_CA_FILE to DATA_DIR/keys/ca.cert.pem of your server; if it is set, check whom you talk to.',
  },
  SERVER_ANSWER_UNEXPECTED: {
    class: 'INFRA',
    sentence: 'The fleet server answered with something this command does not understand.',
    remedy: 'Check that the address is a Ringfleet server, and that CLI and server are of the same version.',
  },
  CLI_TIMEOUT: {
    class: 'SITE',
    sentence: 'It took longer than the time that was given.',
    remedy: 'Try again, or give more time with --timeout.',
  },
  CONFIRMATION_NEEDED: {
    class: 'INPUT',
    sentence: 'This asks for a confirmation, and nobody is here to give it.',
    remedy: 'Add --yes, or run it on a terminal.',
  },
  CANCELLED: {
    class: 'INPUT',
    sentence: 'Cancelled; nothing was changed.',
    remedy: 'Run it again when you are sure.',
  },
  FILE_UNREADABLE: {
    class: 'INPUT',
    sentence: 'A file that was named cannot be read.',
    remedy: 'Check its path and permissions.',
  },
  CLI_INTERNAL: {
    class: 'INFRA',
    sentence: 'Something failed that should not have.',
    remedy: 'Report it with the log lines around it.',
  },
} as const satisfies CatalogPart;
