import { describe, expect, it } from 'vitest';
import { checkWebhookUrl, requireReachable } from './reachable.ts';

const invalid = expect.objectContaining({ code: 'WEBHOOK_URL_INVALID' });
const forbidden = expect.objectContaining({ code: 'WEBHOOK_ADDRESS_FORBIDDEN' });
const ON_PREMISES = 'http://10.0.0.5:9093';

describe('the address of a webhook', () => {
  it.each(['https://hooks.example/a?b=c', 'https://hooks.example:8443/', 'https://93.184.216.34/'])(
    'may be %s',
    (text) => {
      expect(checkWebhookUrl(text, []).href).toBe(text);
    },
  );

  it.each([
    ['no address', 'hooks.example'],
    ['a file', 'file:///etc/passwd'],
    ['plain text', 'http://hooks.example/'],
    ['another port', 'https://hooks.example:22/'],
    ['a password', 'https://a:b@hooks.example/'],
    ['endless', `https://hooks.example/${'a'.repeat(2_048)}`],
  ])('is refused when it is %s', (_case, text) => {
    expect(() => checkWebhookUrl(text, [])).toThrow(invalid);
  });

  it.each([
    'https://127.0.0.1/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://127.0.0.1./',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://169.254.169.254/latest/meta-data/',
  ])('is refused as %s, however it is written', (text) => {
    expect(() => checkWebhookUrl(text, [])).toThrow(forbidden);
  });

  it('may be any origin that the owner allows, and no other one beside it', () => {
    expect(checkWebhookUrl(`${ON_PREMISES}/api/v2/alerts`, [ON_PREMISES]).port).toBe('9093');
    expect(() => checkWebhookUrl('http://10.0.0.5:9094/', [ON_PREMISES])).toThrow(invalid);
    expect(() => checkWebhookUrl('http://10.0.0.5.evil.test:9093/', [ON_PREMISES])).toThrow(invalid);
    expect(() => checkWebhookUrl('https://10.0.0.5/', [ON_PREMISES])).toThrow(forbidden);
    // Where clouds keep their credentials nobody has a receiver.
    const metadata = 'http://169.254.169.254';
    expect(() => checkWebhookUrl(`${metadata}/`, [metadata])).toThrow(forbidden);
  });
});

describe('a resolved address', () => {
  const url = new URL('https://hooks.example/');

  it.each(['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'])('%s is the open internet', (address) => {
    expect(() => requireReachable(url, address, false)).not.toThrow();
  });

  it.each([
    ['unspecified', '0.0.0.0', '::'],
    ['loopback', '127.8.9.1', '::1'],
    ['private', '10.0.0.1', 'fd12::1'],
    ['private', '172.31.255.255', '192.168.1.1'],
    ['shared', '100.64.0.1', '100.100.100.200'],
    ['link-local', '169.254.169.254', 'fe80::1'],
    ['multicast', '224.0.0.1', 'ff02::1'],
    ['broadcast', '255.255.255.255', '240.0.0.1'],
    ['IPv4 in disguise', '::ffff:10.0.0.1', '::ffff:7f00:1'],
    ['translated', '64:ff9b::a00:1', '64:ff9b:1::a00:1'],
    ['tunnelled', '2002:a00:1::', '2001:0:a00:1::'],
    ['IPv4-compatible', '::10.0.0.1', '::7f00:1'],
    ['site-local', 'fec0::1', 'fd00:ec2::254'],
    ['metadata', '168.63.129.16', '192.0.0.192'],
    ['documentation', '192.0.2.1', '2001:db8::1'],
    ['scoped', 'fe80::1%eth0', 'nonsense'],
  ])('that is %s is refused: %s, %s', (_kind, ...addresses) => {
    for (const address of addresses)
      expect(() => requireReachable(url, address, false), address).toThrow(forbidden);
  });

  it('may be private on premises, but never link-local', () => {
    for (const address of ['10.0.0.1', '127.0.0.1', '::1', 'fd12::1', '93.184.216.34'])
      expect(() => requireReachable(url, address, true)).not.toThrow();
    for (const address of ['169.254.169.254', 'fe80::1', '0.0.0.0', '::ffff:10.0.0.1', '64:ff9b::a00:1'])
      expect(() => requireReachable(url, address, true), address).toThrow(forbidden);
  });
});
