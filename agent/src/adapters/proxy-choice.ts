import { BlockList, isIP } from 'node:net';
import { CodedError } from '@ringfleet/shared/errors';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The proxy that leads to an address; null: straight there. */
export type ProxyFor = (to: Address) => URL | null;

export const straight: ProxyFor = () => null;

/**
 * Which proxy to use. `setting` (`server.proxy`: a URL, or `direct`) stands before HTTPS_PROXY and NO_PROXY of the
 * environment, whose small spelling stands before the capital one. Throws CONFIG_INVALID.
 */
export function proxyChoice(
  setting: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): ProxyFor {
  if (setting === 'direct') return straight;
  if (setting !== undefined) {
    const proxy = readProxy(setting, '/server/proxy');
    return () => proxy;
  }
  const text = env['https_proxy'] || env['HTTPS_PROXY'];
  if (!text) return straight;
  const proxy = readProxy(text, 'HTTPS_PROXY');
  const isExcepted = exceptions(env['no_proxy'] ?? env['NO_PROXY'] ?? '');
  return (to) => (isExcepted(to) ? null : proxy);
}

/** `http://[user:password@]host[:port]` or `https://…`; without a scheme it is http. */
function readProxy(text: string, at: string): URL {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url?.hostname && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  // The text may hold a password.
  throw new CodedError('CONFIG_INVALID', 'a proxy is written http://host:port or https://host:port', { at });
}

/** NO_PROXY: names with all below them, addresses and networks, each with a port or without; `*` is everything. */
function exceptions(list: string): (to: Address) => boolean {
  const entries = list.split(/[\s,]+/).filter((one) => one !== '');
  const networks = new BlockList();
  for (const one of entries) addNetwork(networks, one);
  return ({ host, port }) => {
    const family = isIP(host);
    if (family !== 0 && networks.check(host, family === 6 ? 'ipv6' : 'ipv4')) return true;
    return entries.some((one) => {
      if (one === '*') return true;
      const [, name = '', only] = /^\*?\.?(.+?)(?::(\d+))?$/.exec(one.toLowerCase()) ?? [];
      if (only !== undefined && Number(only) !== port) return false;
      return host.toLowerCase() === name || host.toLowerCase().endsWith(`.${name}`);
    });
  };
}

function addNetwork(networks: BlockList, text: string): void {
  const [address = '', bits] = text.split('/');
  const family = isIP(address.replace(/^\[|\]$/g, ''));
  if (family === 0) return;
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  const longest = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? longest : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > longest) return;
  networks.addSubnet(address.replace(/^\[|\]$/g, ''), prefix, kind);
}
