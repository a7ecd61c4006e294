import type { AttackEntry } from './registry.ts';

type Row = readonly [attack: string, check: string, code: string];

const rows = (test: string, all: readonly Row[]): readonly AttackEntry[] =>
  all.map(([attack, check, code]) => ({ attack, check, code, test }));

const DEVICE_CONTACT = 'fleet-server/src/device-contact';
const CLOSED = 'the connection is closed';
const REFUSED = 'the subscription is refused';

/** At the doors of devices: enrollment, renewal, sessions. */
const identities: readonly AttackEntry[] = [
  ...rows(`${DEVICE_CONTACT}/enrollment-attacks.test.ts`, [
    ['an enrollment token used by a second device', 'uses of the token', 'TOKEN_USED_UP'],
    ['an enrollment token replayed by the device that it admitted', 'uses of the token', 'TOKEN_USED_UP'],
    ['an enrollment token past its date', 'date of the token', 'TOKEN_EXPIRED'],
    ['an enrollment token with a changed secret', 'secret of the token', 'TOKEN_UNKNOWN'],
    ['an enrollment token of one device, used for another', 'device of the token', 'TOKEN_BOUND'],
    ['an enrollment under the id of another device', 'registry', 'DEVICE_EXISTS'],
    ['an enrollment under an id that is a path', 'schema', 'MESSAGE_INVALID'],
    ['an enrollment with a request that nobody signed', 'signature of the request', 'CSR_INVALID'],
    [
      'a certificate request with the name of another device',
      'names in requests are ignored',
      'the own name is certified',
    ],
  ]),
  ...rows('agent/src/adapters/enroll.test.ts', [
    ['an enrollment token with the pin of another authority', 'pin of the authority', 'CA_PIN_MISMATCH'],
    ['an enrollment token with a root that was altered', 'signatures of the root', 'SIGNATURE_INVALID'],
    ['an enrollment token that was cut off', 'schema', 'ENROLLMENT_TOKEN_INVALID'],
  ]),
  ...rows('agent/src/adapters/journal-trust.test.ts', [
    ['an old timestamp, shown to a new device', 'versions of the token', 'METADATA_NOT_NEWER'],
    [
      'an old publisher’s document under a new snapshot, shown to a new device',
      'versions of the token',
      'METADATA_NOT_NEWER',
    ],
    ['a snapshot without a publisher, shown to a new device', 'versions of the token', 'METADATA_NOT_NEWER'],
  ]),
  ...rows(`${DEVICE_CONTACT}/renewals.test.ts`, [
    [
      'a renewal request with the name of another device',
      'names in requests are ignored',
      'the own name is certified',
    ],
    [
      'a self-signed certificate that has ended, which TLS calls expired just as ours',
      'chain at its last moment',
      'RENEWAL_REFUSED',
    ],
    [
      'an ended certificate of an authority that calls itself as ours',
      'chain at its last moment',
      'RENEWAL_REFUSED',
    ],
    ['an ended certificate of our authority that the registry does not know', 'registry', 'RENEWAL_REFUSED'],
    ['an ended certificate without its key', 'signature with the old key', 'RENEWAL_REFUSED'],
    ['an ended certificate of a revoked device', 'registry', 'DEVICE_REVOKED'],
    ['an ended certificate of a decommissioned device', 'registry', 'DEVICE_REVOKED'],
    ['a certificate that ended more than a year ago', 'end of the grace', 'RENEWAL_REFUSED'],
    ['the certificate of the server itself, shown at a renewal', 'use of the certificate', 'RENEWAL_REFUSED'],
  ]),
  ...rows(`${DEVICE_CONTACT}/revocation.test.ts`, [
    ['a revoked certificate at a new contact', 'registry', 'CERTIFICATE_NOT_VALID'],
    ['a revoked certificate in a resumed session of TLS 1.3', 'registry', 'CERTIFICATE_NOT_VALID'],
    ['a revoked certificate in a resumed session of TLS 1.2', 'registry', 'CERTIFICATE_NOT_VALID'],
    [
      'an expired certificate in a resumed session of TLS 1.3',
      'date at every contact',
      'CERTIFICATE_EXPIRED',
    ],
    [
      'an expired certificate in a resumed session of TLS 1.2',
      'date at every contact',
      'CERTIFICATE_EXPIRED',
    ],
    ['a seventeenth connection of one device', 'connections of a device', 'TOO_MANY_CONNECTIONS'],
  ]),
  ...rows(`${DEVICE_CONTACT}/device-side.test.ts`, [
    ['a contact without a certificate of the fleet', 'TLS handshake', CLOSED],
    ['the client id of another device', 'client id', 'CLIENT_ID_MISMATCH'],
    ['a second agent with a copied identity', 'instance of the agent', 'CLONED_DEVICE'],
    ['a running copy of a device’s disk', 'instance of the agent', 'CLONED_DEVICE'],
  ]),
];

/** One device against the others and against the broker. */
const amongDevices: readonly AttackEntry[] = [
  ...rows(`${DEVICE_CONTACT}/isolation.test.ts`, [
    ['a report published under another device', 'topic rule', 'TOPIC_FORBIDDEN'],
    ['an order published to another device', 'topic rule', 'TOPIC_FORBIDDEN'],
    ['an order published to oneself', 'topic rule', 'TOPIC_FORBIDDEN'],
    ['a report published in another fleet', 'topic rule', 'TOPIC_FORBIDDEN'],
    ['a message on a topic of the broker itself', 'topic rule', 'TOPIC_FORBIDDEN'],
    ['a message below an own topic', 'topic rule', 'TOPIC_FORBIDDEN'],
    ['a message on a topic of 5 001 levels', 'levels of a topic', CLOSED],
    ['a will for another device', 'topic rule', 'TOPIC_FORBIDDEN'],
    ['a will as an order to another device', 'topic rule', 'TOPIC_FORBIDDEN'],
    ['a will on a topic of 5 001 levels', 'topic rule', 'TOPIC_FORBIDDEN'],
    ['a subscription to the orders of another device', 'topic rule', REFUSED],
    ['a subscription to one order of another device', 'topic rule', REFUSED],
    ['a subscription to the orders of all devices', 'topic rule', REFUSED],
    ['a subscription to the reports of another device', 'topic rule', REFUSED],
    ['a subscription to the own reports', 'topic rule', REFUSED],
    ['a subscription to everything', 'topic rule', REFUSED],
    ['a subscription to one level of anything', 'topic rule', REFUSED],
    ['a subscription to six levels of anything', 'topic rule', REFUSED],
    ['a subscription to the topics of the broker itself', 'topic rule', REFUSED],
    ['a shared subscription to the orders of another device', 'topic rule', REFUSED],
    ['a shared subscription to everything', 'topic rule', REFUSED],
    ['a subscription to a topic of 5 001 levels', 'topic rule', REFUSED],
    ['a client id of __proto__ with the certificate of another device', 'client id', 'CLIENT_ID_MISMATCH'],
    ['keys of __proto__ in a report', 'schema', 'they are ignored'],
    [
      'the assignment of another device, asked for over HTTP',
      'name of the certificate',
      'the own one is answered',
    ],
    [
      'reports in the name of another device over HTTP',
      'name of the certificate',
      'they count as the own ones',
    ],
    ['a path that leaves its place', 'schema', 'the request is refused'],
  ]),
  ...rows('fleet-server/src/adapters/bus-limits.test.ts', [
    ['a CONNECT of 256 MB', 'frame guard', CLOSED],
    ['a CONNECT that stays below the limit and never ends', 'deadline of the CONNECT', CLOSED],
    ['a seventeenth MQTT connection of one device', 'connections of a device', CLOSED],
    ['a subscriber that takes nothing more of what is sent to it', 'deadline of what is sent', CLOSED],
  ]),
];

/** On people's routes, and what the server itself may be made to do. */
const people: readonly AttackEntry[] = [
  ...rows('fleet-server/src/api/route-roles.test.ts', [
    ['any request without credentials', 'role of the route', 'NOT_AUTHENTICATED'],
    ['any request with an unknown token', 'role of the route', 'NOT_AUTHENTICATED'],
    ['any request with name and password in the header', 'role of the route', 'NOT_AUTHENTICATED'],
    ['any request with an expired token', 'date of the token', 'NOT_AUTHENTICATED'],
    ['any request with a revoked token', 'token store', 'NOT_AUTHENTICATED'],
    ['any request with the login of somebody who has left', 'people', 'NOT_AUTHENTICATED'],
    ['any request with an expired session', 'date of the session', 'NOT_AUTHENTICATED'],
    ['any request with a session of a revoked token', 'sessions', 'NOT_AUTHENTICATED'],
    ['any request with a session that was signed out', 'sessions', 'NOT_AUTHENTICATED'],
    ['what a viewer may not, asked by one', 'role of the route', 'NOT_AUTHORIZED'],
    ['what an operator may not, asked by one', 'role of the route', 'NOT_AUTHORIZED'],
    ['what a publisher may not, asked by one', 'role of the route', 'NOT_AUTHORIZED'],
    ['a request of a page of another origin', 'Origin', 'CROSS_SITE_REQUEST'],
    ['a request of a sandboxed page', 'Origin', 'CROSS_SITE_REQUEST'],
    ['a request of another site', 'Sec-Fetch-Site', 'CROSS_SITE_REQUEST'],
    ['a request of another host of this site', 'Sec-Fetch-Site', 'CROSS_SITE_REQUEST'],
    ['a form of another site, sent with the cookie', 'mark of the page', 'CROSS_SITE_REQUEST'],
    ['a sign-in that another site sends for somebody else', 'mark of the page', 'CROSS_SITE_REQUEST'],
    ['a body as a form can send it', 'content type', 'CONTENT_TYPE_UNKNOWN'],
    ['keys of __proto__ in a request', 'parser and schema', 'the request is refused'],
  ]),
  ...rows('fleet-server/src/api/plain-listener.test.ts', [
    ['a name that was made to point at the server’s loopback', 'Host', 'HOST_NOT_ALLOWED'],
  ]),
  ...rows('agent/src/serving/start-serving.test.ts', [
    [
      'a name that was made to point at the agent’s loopback, and a page of another site',
      'Host and Origin',
      'HOST_NOT_ALLOWED',
    ],
  ]),
  ...rows('agent/src/serving/metrics/start-metrics.test.ts', [
    [
      'a name that was made to point at the metrics, and a page of another site',
      'Host and Origin',
      'HOST_NOT_ALLOWED',
    ],
  ]),
  ...rows('agent/src/serving/grpc/start-grpc.test.ts', [
    ['a page of another site that posts to the gRPC port', 'HTTP/2 only', CLOSED],
  ]),
  ...rows('fleet-server/src/api/upload-attacks.test.ts', [
    ['an upload with other bytes than its digest', 'digest', 'DIGEST_MISMATCH'],
    ['an upload shorter than its digest', 'digest', 'DIGEST_MISMATCH'],
    ['an upload with one byte too many', 'digest', 'DIGEST_MISMATCH'],
    ['an upload announced larger than the limit', 'announced length', 'UPLOAD_TOO_LARGE'],
    ['an upload without an end', 'counted length', 'UPLOAD_TOO_LARGE'],
    ['an upload that ends before its announced length', 'announced length', 'nothing is kept'],
  ]),
  ...rows('fleet-server/src/adapters/webhook-sender.test.ts', [
    ['a webhook to this machine', 'resolved address', 'WEBHOOK_ADDRESS_FORBIDDEN'],
    ['a webhook to a link-local address', 'resolved address', 'WEBHOOK_ADDRESS_FORBIDDEN'],
    ['a webhook to a private network', 'resolved address', 'WEBHOOK_ADDRESS_FORBIDDEN'],
    [
      'a webhook to a private network beside the open internet',
      'every resolved address',
      'WEBHOOK_ADDRESS_FORBIDDEN',
    ],
    ['a webhook to this machine, in an IPv6 disguise', 'resolved address', 'WEBHOOK_ADDRESS_FORBIDDEN'],
    [
      'a webhook of an allowed name that leads to a link-local address',
      'resolved address',
      'WEBHOOK_ADDRESS_FORBIDDEN',
    ],
    [
      'a webhook whose name leads elsewhere a moment after it was checked',
      'pinned address',
      'the checked address is used',
    ],
  ]),
  ...rows('fleet-server/src/api/people/second-person.test.ts', [
    [
      'a rollout started with an own token, approved under the own name',
      'second person',
      'SECOND_PERSON_NEEDED',
    ],
    [
      'a rollout started under the own name, approved with an own token',
      'second person',
      'SECOND_PERSON_NEEDED',
    ],
    ['a rollout started and approved with two own tokens', 'second person', 'SECOND_PERSON_NEEDED'],
    ['a rollout approved with a token that an own token made', 'second person', 'SECOND_PERSON_NEEDED'],
    [
      'a rollout approved with an own token that has the name of somebody else',
      'second person',
      'SECOND_PERSON_NEEDED',
    ],
    ['a rollout approved with the token of the data folder', 'second person', 'SECOND_PERSON_NEEDED'],
  ]),
  ...rows('fleet-server/src/api/people/oidc.test.ts', [
    ['an identity of another nonce', 'nonce', 'OIDC_REFUSED'],
    ['an identity signed by another key', 'signature', 'OIDC_REFUSED'],
    ['an identity for another audience', 'audience', 'OIDC_REFUSED'],
    ['an identity of another issuer', 'issuer', 'OIDC_REFUSED'],
    ['an identity past its date', 'date', 'OIDC_REFUSED'],
    ['an identity without a signature (alg none)', 'algorithm', 'OIDC_REFUSED'],
    ['an identity signed with the client’s secret', 'algorithm', 'OIDC_REFUSED'],
    ['an identity that was cut', 'signature', 'OIDC_REFUSED'],
    ['an identity without a group of the fleet', 'roles', 'OIDC_NO_ROLE'],
    ['a way back of a sign-in that another browser began', 'state', 'OIDC_REFUSED'],
  ]),
  ...rows('fleet-server/src/audit/audit-trail.test.ts', [
    ['a row of the audit log, edited', 'hash chain', 'AUDIT_ROW_CHANGED'],
    ['a row of the audit log, deleted', 'numbers', 'AUDIT_ROW_MISSING'],
    ['rows of the audit log, reordered', 'hash chain', 'AUDIT_ROW_CHANGED'],
    ['the newest rows of the audit log, cut off', 'checkpoint', 'AUDIT_TAIL_MISSING'],
    ['an audit log rewritten with fitting hashes', 'checkpoint', 'AUDIT_REWRITTEN'],
    ['a forged checkpoint of the audit log', 'signature of the checkpoint', 'AUDIT_CHECKPOINT_INVALID'],
  ]),
];

/** Attacks over the network, in the order of the table. Each stands as a title in its test. */
export const DOOR_ATTACKS: readonly AttackEntry[] = [...identities, ...amongDevices, ...people];
