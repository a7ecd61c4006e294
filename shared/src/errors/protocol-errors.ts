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
  REPORT_COUNTS_INCONSISTENT: {
    class: 'DEVICE',
    sentence: 'Counts of the heartbeat contradict each other.',
    remedy: 'Update or reinstall the agent of this device; look for another program that speaks in its name.',
  },
  REPORT_COUNTS_TOO_LARGE: {
    class: 'DEVICE',
    sentence: 'The heartbeat counts more than a device can have counted.',
    remedy: 'Update or reinstall the agent of this device; look for another program that speaks in its name.',
  },
  REPORT_NOT_OF_PROFILE: {
    class: 'DEVICE',
    sentence: "The heartbeat's histograms are not those of the release's profile.",
    remedy: 'Compare the digest that the device runs with the release; restart the agent.',
  },
  REPORT_RELEASE_UNKNOWN: {
    class: 'DEVICE',
    sentence:
      'The heartbeat counts for a release that was not published on this server: its counts are left out.',
    remedy: 'Publish the release again if the server was restored; else look at what the device runs.',
  },
  REPORT_DROPPED: {
    class: 'SITE',
    sentence: 'The device dropped a report before it could be sent.',
    remedy: 'Give it a connection more often, or more room: disk.outboxBytes in its agent.yaml.',
  },
  REPORTS_LOST: {
    class: 'INFRA',
    sentence: 'Reports that the device was told are stored are not here.',
    remedy: 'This follows a restore from a backup; nothing brings them back.',
  },
  DEVICE_THROTTLED: {
    class: 'DEVICE',
    sentence:
      'The device sends reports faster than the server takes them from one device: it is slowed down.',
    remedy: 'Wait if it comes back after a long time; else restart its agent and look at its log.',
  },
} as const satisfies CatalogPart;
