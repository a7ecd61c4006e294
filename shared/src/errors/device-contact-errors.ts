import type { CatalogPart } from './error-class.ts';

export const DEVICE_CONTACT_ERRORS = {
  CLIENT_ID_MISMATCH: {
    class: 'TRUST',
    sentence: 'The MQTT client id is not the device id of the certificate.',
    remedy: 'Connect with the device id as client id.',
  },
  TOPIC_FORBIDDEN: {
    class: 'TRUST',
    sentence: 'A device may publish only below its own up/ and subscribe only below its own dn/.',
    remedy: 'Use topics with the own fleet and device id.',
  },
  FRAME_TOO_LARGE: {
    class: 'INPUT',
    sentence: 'The MQTT packet is larger than allowed.',
    remedy: 'Send less in one message.',
  },
  CERTIFICATE_EXPIRED: {
    class: 'TRUST',
    sentence: 'The certificate of the device is past its date.',
    remedy: 'Keep the agent running: it renews by itself. If it cannot, run `ringfleet device replace ID`.',
  },
  CLIENT_CERTIFICATE_REFUSED: {
    class: 'TRUST',
    sentence: 'The TLS handshake failed: no certificate of this fleet was shown.',
    remedy: 'Enroll the device with a token of this fleet; look at who uses this address if it is not yours.',
  },
  TOO_MANY_CONNECTIONS: {
    class: 'INFRA',
    sentence: 'The device, or the fleet, already has as many connections as the server takes.',
    remedy: 'Look for an agent that reconnects in a loop, or for a copied identity.',
  },
  TOKEN_BOUND: {
    class: 'INPUT',
    sentence: 'The enrollment token admits another device than this one.',
    remedy: 'Leave --id away, or use the token that was made for this device.',
  },
  RENEWAL_REFUSED: {
    class: 'TRUST',
    sentence: 'The certificate cannot be renewed.',
    remedy: 'Run `ringfleet device replace ID` and enroll the device again with the token it prints.',
  },
  WIPE_NEEDS_SIGNATURE: {
    class: 'TRUST',
    sentence: 'The fleet server alone may not wipe a device.',
    remedy:
      'Have an order signed (`ringfleet trust wipe order`) and pass it on with --wipe ORDER, or run `ringfleet-agent reset` at the device.',
  },
  ENROLLMENT_UNKNOWN: {
    class: 'INPUT',
    sentence: 'No device of this id waits for approval.',
    remedy: 'Look at `ringfleet device pending`; a request ends after a day.',
  },
  APPROVAL_CODE_WRONG: {
    class: 'INPUT',
    sentence: 'The code is not the one that this device shows.',
    remedy: 'Read the code on the device itself; if it differs from the list, reject the request.',
  },
  TOO_MANY_PENDING: {
    class: 'INFRA',
    sentence: 'Too many devices wait for approval.',
    remedy: 'Approve or reject some of them first.',
  },
  RANGE_INVALID: {
    class: 'INPUT',
    sentence: 'The requested range lies outside of the file.',
    remedy: 'Ask for bytes inside of the file.',
  },
  IDENTITY_FILES_INVALID: {
    class: 'SITE',
    sentence: 'The key files of the server cannot be used.',
    remedy: 'Restore the keys/ folder of the data folder from its backup.',
  },
} as const satisfies CatalogPart;
