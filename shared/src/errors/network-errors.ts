import type { CatalogPart } from './error-class.ts';

/** What stands between a device and its fleet server. Devices go on answering, and try again by themselves. */
export const NETWORK_ERRORS = {
  NAME_NOT_RESOLVED: {
    class: 'SITE',
    sentence: "The fleet server's name cannot be resolved.",
    remedy: 'Check the DNS servers of this device and of its site; an address in agent.yaml needs none.',
  },
  PROXY_UNREACHABLE: {
    class: 'SITE',
    sentence: 'The proxy that leads to the fleet server cannot be reached.',
    remedy:
      'Check server.proxy of agent.yaml, else HTTPS_PROXY, and that the proxy runs; `direct` passes it by.',
  },
  PROXY_REFUSED: {
    class: 'SITE',
    sentence: 'The proxy does not let this device through to the fleet server.',
    remedy:
      'Have the proxy allow CONNECT to the ports that docs/network.md lists; status 407 asks for user and password in the URL of server.proxy.',
  },
  TLS_INTERCEPTED: {
    class: 'SITE',
    sentence: 'Somebody between this device and the fleet server opens its TLS connections.',
    remedy:
      "Have the site's firewall leave the fleet server's address out of TLS inspection: the issuer that is named shows who inspects. Nothing was sent.",
  },
  FOREIGN_ANSWER: {
    class: 'SITE',
    sentence: 'Somebody else answered in place of the fleet server, such as the sign-in page of a network.',
    remedy:
      'Sign this device in to that network, or connect it to another one; nothing of the answer was used.',
  },
  SERVER_SILENT: {
    class: 'SITE',
    sentence: 'The connection to the fleet server was open, and nothing came through it any more.',
    remedy:
      'Nothing to do: the agent connects anew. If it returns, look for a firewall that forgets connections.',
  },
} as const satisfies CatalogPart;
