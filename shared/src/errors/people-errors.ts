import type { CatalogPart } from './error-class.ts';

/** Signing in, people, their tokens, and what needs two of them. */
export const PEOPLE_ERRORS = {
  SIGN_IN_REFUSED: {
    class: 'INPUT',
    sentence: 'Name or password is wrong.',
    remedy: 'Try again, or have an administrator run `ringfleet people reset NAME`.',
  },
  SIGN_IN_LOCKED: {
    class: 'INPUT',
    sentence: 'There were too many failed attempts for this account or from this address.',
    remedy: 'Wait as long as the message says, then try again; an API token works meanwhile.',
  },
  SIGN_IN_BUSY: {
    class: 'INFRA',
    sentence: 'More people sign in at this moment than the server checks at once.',
    remedy: 'Try again in a few seconds.',
  },
  PASSWORD_WEAK: {
    class: 'INPUT',
    sentence: 'The password is too easy to guess.',
    remedy: 'Take at least 12 characters that neither repeat nor hold your name: four random words do well.',
  },
  SETUP_CODE_INVALID: {
    class: 'INPUT',
    sentence: 'The set-up link is not valid any more: it works once, for 15 minutes.',
    remedy: 'Restart the server to get a new link (setUp in its "server ready" line).',
  },
  SETUP_DONE: {
    class: 'CONFLICT',
    sentence: 'The fleet has its first administrator already.',
    remedy: 'Sign in, or ask an administrator for an invitation (`ringfleet people create NAME`).',
  },
  INVITATION_INVALID: {
    class: 'INPUT',
    sentence: 'The link that sets a password is not valid any more: it works once, for 24 hours.',
    remedy: 'Ask an administrator for a new one (`ringfleet people reset NAME`).',
  },
  PERSON_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The fleet knows no person of this name.',
    remedy: 'Look at `ringfleet people list`.',
  },
  PERSON_EXISTS: {
    class: 'CONFLICT',
    sentence: 'A person of this name exists already.',
    remedy: 'Choose another name, or change the role with `ringfleet people set-role`.',
  },
  LAST_ADMIN: {
    class: 'CONFLICT',
    sentence: 'This is the last administrator.',
    remedy: 'Make somebody else an administrator first (`ringfleet people set-role NAME admin`).',
  },
  PERSON_NEEDED: {
    class: 'INPUT',
    sentence: 'Only a person who is signed in under their own name can do this.',
    remedy: 'Sign in with name and password, or run `ringfleet login`.',
  },
  API_TOKEN_UNKNOWN: {
    class: 'INPUT',
    sentence: 'There is no API token of this name.',
    remedy: 'Look at `ringfleet token api list`.',
  },
  SECOND_PERSON_NEEDED: {
    class: 'CONFLICT',
    sentence: 'Whoever started it cannot approve it as well: that takes a second person.',
    remedy: 'Have somebody else approve it. To pause, abort or revert, one person is always enough.',
  },
  OIDC_UNREACHABLE: {
    class: 'SITE',
    sentence: 'The identity provider does not answer as one.',
    remedy:
      'Check oidc.issuer in server.yaml and the network between; a password or a token works meanwhile.',
  },
  OIDC_REFUSED: {
    class: 'INPUT',
    sentence: 'The identity provider did not confirm the sign-in.',
    remedy: 'Begin again at the sign-in page.',
  },
  OIDC_NO_ROLE: {
    class: 'INPUT',
    sentence: 'The identity provider knows you, but none of your groups has a role in this fleet.',
    remedy: 'Ask an administrator to add one of your groups to oidc.roles in server.yaml.',
  },
  PASSWORD_MISSING: {
    class: 'INPUT',
    sentence: 'No password is given.',
    remedy: 'Run it on a terminal, give --password-file FILE, or set RINGFLEET_PASSWORD.',
  },
  AUDIT_ROW_CHANGED: {
    class: 'TRUST',
    sentence: 'A row of the audit log was changed after it was written.',
    remedy:
      'Treat the server as broken into from before that row on; compare with a backup and with copies of the checkpoints.',
  },
  AUDIT_ROW_MISSING: {
    class: 'TRUST',
    sentence: 'A row was taken out of the audit log.',
    remedy: 'Treat the server as broken into; compare with a backup and with copies of the checkpoints.',
  },
  AUDIT_TAIL_MISSING: {
    class: 'TRUST',
    sentence: 'The audit log ends before a row that a signed checkpoint knows.',
    remedy: 'If the database was not restored from a backup, treat the server as broken into.',
  },
  AUDIT_REWRITTEN: {
    class: 'TRUST',
    sentence: 'The audit log is not the one that a signed checkpoint vouches for.',
    remedy: 'Treat the server as broken into from before that row on; compare with a backup.',
  },
  AUDIT_CHECKPOINT_INVALID: {
    class: 'TRUST',
    sentence: 'A checkpoint of the audit log does not carry a valid signature.',
    remedy: 'Compare audit/checkpoints.jsonl with the copies kept outside of the server.',
  },
} as const satisfies CatalogPart;
