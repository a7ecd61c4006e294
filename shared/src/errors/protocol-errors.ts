import type { CatalogPart } from './error-class.ts';

export const PROTOCOL_ERRORS = {
  NOT_JSON: {
    class: 'INPUT',
    sentence: 'The payload is not JSON.',
    remedy: 'Send one UTF-8 JSON document.',
  },
  MESSAGE_INVALID: {
    class: 'INPUT',
    sentence: 'The message does not match its schema.',
    remedy: 'Compare it with docs/protocol.md; `at` names the first field that is wrong.',
  },
  MESSAGE_TOO_LARGE: {
    class: 'INPUT',
    sentence: 'The message is larger than the protocol allows.',
    remedy: 'Send less in one message.',
  },
  PROTOCOL_VERSION_UNKNOWN: {
    class: 'INPUT',
    sentence: 'The message has a protocol version this side does not know.',
    remedy: 'Update the older side.',
  },
  TOPIC_INVALID: {
    class: 'INPUT',
    sentence: 'The topic is not one of Ringfleet.',
    remedy: 'Use rf/1/<fleet>/<device>/(up|dn)/<kind>.',
  },
  CLONED_DEVICE: {
    class: 'DEVICE',
    sentence: 'Two running agents use the same device identity.',
    remedy: 'Stop the copy, reset it and enroll it as a device of its own.',
  },
  REPORT_TIME_IMPLAUSIBLE: {
    class: 'DEVICE',
    sentence: 'The report is dated too far in the future.',
    remedy: "Check the device's clock.",
  },
  REPORT_CONFLICT: {
    class: 'DEVICE',
    sentence: 'A report with this key and other content is already stored.',
    remedy: 'Look for a cloned device or a restored disk image.',
  },
} as const satisfies CatalogPart;
