import type { CatalogPart } from './error-class.ts';

export const SERVER_ERRORS = {
  // Start and configuration
  CONFIG_UNREADABLE: {
    class: 'INPUT',
    sentence: 'The server configuration file cannot be read.',
    remedy: 'Check the path given with --config and its permissions.',
  },
  // The next two are also the agent's: worded for both.
  STATE_DIR_TOO_NEW: {
    class: 'INPUT',
    sentence: 'The folder was written by a newer version of the program.',
    remedy: 'Start the newer version again; going back needs a backup from before the update.',
  },
  ADDRESS_UNUSABLE: {
    class: 'INPUT',
    sentence: 'The server cannot listen on a configured address.',
    remedy:
      'Set a host that belongs to this machine, and a port above 1023 unless the server may use lower ones.',
  },
  STATE_DIR_NOT_EMPTY: {
    class: 'CONFLICT',
    sentence: 'A server has used this data folder already.',
    remedy:
      'Add --replace: what is there is moved into a folder inside of it, not deleted. Or give another --data-dir.',
  },
  RESTORE_UNFINISHED: {
    class: 'CONFLICT',
    sentence: 'A backup was being put back into this data folder, and that was cut off.',
    remedy: 'Run the same `ringfleet-server restore` again.',
  },
  BACKUP_EXISTS: {
    class: 'CONFLICT',
    sentence: 'There is something at the place of the new backup.',
    remedy: 'Name a folder that does not exist yet, such as one with the date in its name.',
  },
  BACKUP_FAILED: {
    class: 'SITE',
    sentence: 'A file could not be read or written; what was begun was removed.',
    remedy: 'Check that the folder is there, that this user may use it, and that its disk has room.',
  },
  BACKUP_INVALID: {
    class: 'INPUT',
    sentence: 'The folder is not a whole, unharmed backup of a fleet server; nothing was changed.',
    remedy: 'Give another backup. If it was copied here, copy it again.',
  },
  STATE_DIR_UNUSABLE: {
    class: 'INPUT',
    sentence: 'The data folder cannot be used.',
    remedy: 'Check that it exists, that it is writable for this user, and that its disk has room.',
  },
  // Who asks
  NOT_AUTHENTICATED: {
    class: 'INPUT',
    sentence: 'The request carries no valid credentials.',
    remedy: 'Send `Authorization: Bearer TOKEN`, or sign in to the dashboard again.',
  },
  NOT_AUTHORIZED: {
    class: 'INPUT',
    sentence: 'Your role does not allow this.',
    remedy: 'Ask an administrator for a token with the role that is named.',
  },
  SIGN_IN_CODE_INVALID: {
    class: 'INPUT',
    sentence: 'The sign-in link is not valid any more: it works once, for 15 minutes.',
    remedy: 'Restart the server to get a new link, or sign in with an API token.',
  },
  CROSS_SITE_REQUEST: {
    class: 'INPUT',
    sentence: 'The request does not come from the dashboard itself.',
    remedy: 'Send the header x-ringfleet-csrf: 1 from the same origin, or use an API token.',
  },
  // Requests
  API_REQUEST_INVALID: {
    class: 'INPUT',
    sentence: 'The request does not match its schema.',
    remedy: 'Correct the field that is named; /api/docs describes every request.',
  },
  BODY_TOO_LARGE: {
    class: 'INPUT',
    sentence: 'The request body is larger than this route takes.',
    remedy: 'Send less; files go to PUT /api/v1/artifacts/sha256/HEX.',
  },
  QUERY_TOO_SLOW: {
    class: 'INFRA',
    sentence: 'The question took too long and was given up.',
    remedy: 'Ask for a shorter time, a coarser step, or one model.',
  },
  QUERIES_BUSY: {
    class: 'INFRA',
    sentence: 'Too many questions about telemetry are being answered already.',
    remedy: 'Ask again in some seconds.',
  },
  CONTENT_TYPE_UNKNOWN: {
    class: 'INPUT',
    sentence: 'This route does not take a body of this content type.',
    remedy: 'Send application/json; artifacts are sent as application/octet-stream.',
  },
  API_ROUTE_UNKNOWN: {
    class: 'INPUT',
    sentence: 'There is nothing at this address.',
    remedy: 'Look at /api/docs.',
  },
  CURSOR_INVALID: {
    class: 'INPUT',
    sentence: 'The cursor is not one this server gave.',
    remedy: 'Start again without a cursor and use `next` of the answer.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    class: 'CONFLICT',
    sentence: 'The idempotency key was used for another request.',
    remedy: 'Use a new key for every new request.',
  },
  REVISION_CONFLICT: {
    class: 'CONFLICT',
    sentence: 'Somebody else changed it in between.',
    remedy: 'Read it again, look at what changed, and repeat your change.',
  },
  TOO_MANY_STREAMS: {
    class: 'INFRA',
    sentence: 'The server sends live events to as many readers as it can.',
    remedy: 'Close some dashboards, or read events/history.',
  },
  // Devices and tokens
  DEVICE_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The fleet has no device of this id.',
    remedy: 'Look at `ringfleet device list`.',
  },
  DEVICE_EXISTS: {
    class: 'CONFLICT',
    sentence: 'A device of this id is already enrolled.',
    remedy: 'Choose another id, or hand the identity to a new board with `ringfleet device replace ID`.',
  },
  DEVICE_REVOKED: {
    class: 'TRUST',
    sentence: "The device's identity was revoked.",
    remedy: 'Enroll it again with a new token if it is yours.',
  },
  CERTIFICATE_NOT_VALID: {
    class: 'TRUST',
    sentence: 'The certificate is not one that the fleet has given to this device.',
    remedy: 'Enroll the device again with a new token.',
  },
  CSR_INVALID: {
    class: 'INPUT',
    sentence: 'The certificate request is not valid.',
    remedy: 'Send a PKCS #10 request for an EC P-256 key, signed with that key.',
  },
  TOKEN_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The server does not know this enrollment token.',
    remedy: 'Create a new one with `ringfleet token create`.',
  },
  TOKEN_EXPIRED: {
    class: 'INPUT',
    sentence: 'The enrollment token is past its date.',
    remedy: 'Create a new one with `ringfleet token create`.',
  },
  TOKEN_USED_UP: {
    class: 'INPUT',
    sentence: 'The enrollment token has admitted as many devices as it may.',
    remedy: 'Create a new one with `ringfleet token create --uses N`.',
  },
  TOKEN_INVALID: {
    class: 'INPUT',
    sentence: 'The text is not an enrollment token.',
    remedy: 'Copy the whole token, from `rfe1.` to its end.',
  },
  TOKEN_EXISTS: {
    class: 'CONFLICT',
    sentence: 'A token of this name exists already.',
    remedy: 'Choose another name.',
  },
  TRUST_NOT_INITIALISED: {
    class: 'CONFLICT',
    sentence: 'The fleet has no trust root yet, so no device could check what it is sent.',
    remedy: 'Run `ringfleet trust init` and `ringfleet trust publish` first.',
  },
  ONLINE_KEY_NOT_IN_ROOT: {
    class: 'TRUST',
    sentence: "The root does not name this server's online key as director.",
    remedy: 'Make a root with the key that `ringfleet trust show` prints under onlineKey.',
  },
  // Rings, releases, rollouts
  RING_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The fleet has no ring of this name.',
    remedy: 'Look at `ringfleet ring list`, or make it with `ringfleet ring set`.',
  },
  RING_IN_USE: {
    class: 'CONFLICT',
    sentence: 'An active rollout uses the ring.',
    remedy: 'Wait for the rollout, or abort it.',
  },
  RELEASE_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The fleet has no release of this name and version.',
    remedy: 'Look at `ringfleet release list`, or publish it.',
  },
  RELEASE_YANKED: {
    class: 'CONFLICT',
    sentence: 'The release was yanked; it is not given out any more.',
    remedy: 'Choose another version.',
  },
  RELEASE_CONFLICT: {
    class: 'CONFLICT',
    sentence: 'A release of this name and version exists with other bytes; releases are immutable.',
    remedy: 'Publish it under a new version.',
  },
  ARTIFACT_MISSING: {
    class: 'INPUT',
    sentence: 'A file that the release names was not uploaded.',
    remedy: 'Upload it with PUT /api/v1/artifacts/sha256/HEX first; `ringfleet release publish` does.',
  },
  ARTIFACT_MISMATCH: {
    class: 'RELEASE',
    sentence: 'An uploaded file differs from what the release says about it.',
    remedy: 'Build, sign and publish the release again.',
  },
  DIGEST_MISMATCH: {
    class: 'INPUT',
    sentence: 'The bytes that arrived have another digest than their address says.',
    remedy: 'Send the file again; if it stays so, it was changed after its digest was computed.',
  },
  UPLOAD_TOO_LARGE: {
    class: 'INPUT',
    sentence: 'The upload is larger than the server takes.',
    remedy: 'Send a smaller file.',
  },
  BLOB_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The server has no file of this digest.',
    remedy: 'Upload it first, or check the digest.',
  },
  METADATA_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The server has no such signed document.',
    remedy: 'Publish it first with `ringfleet trust publish` or `ringfleet release publish`.',
  },
  ROLLOUT_CONFLICT: {
    class: 'CONFLICT',
    sentence: 'Another active rollout of this model uses one of these rings.',
    remedy: 'Wait for it, or abort it.',
  },
  SERVER_INTERNAL: {
    class: 'INFRA',
    sentence: 'Something failed that should not have.',
    remedy: 'Report it with the log lines around it.',
  },
} as const satisfies CatalogPart;
