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
