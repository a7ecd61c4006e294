import { downFilter, UP_KINDS } from '@ringfleet/shared/protocol';

/**
 * The rules of `mayPublish` and `maySubscribe` as Mosquitto reads them, for a broker that is not the embedded one. It has
 * to take the user name from the certificate (`use_identity_as_username true`), which is the device id.
 */
export function mosquittoAcl(fleet: string): string {
  return [
    '# Topic access of devices. In mosquitto.conf:',
    '#   allow_anonymous false',
    '#   require_certificate true',
    '#   use_identity_as_username true',
    '#   acl_file /etc/mosquitto/ringfleet.acl',
    ...UP_KINDS.map((kind) => `pattern write rf/1/${fleet}/%u/up/${kind}`),
    `pattern read ${downFilter(fleet, '%u')}`,
    '',
  ].join('\n');
}
