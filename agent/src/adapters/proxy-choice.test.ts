import { describe, expect, it } from 'vitest';
import { proxyChoice } from './proxy-choice.ts';

const to = { host: 'fleet.site.example', port: 8444 };
const PROXY = 'http://proxy:3128';

describe('which proxy leads to the server', () => {
  it.each([
    ['nothing is set', undefined, {}, null],
    ['the environment names one', undefined, { HTTPS_PROXY: PROXY }, 'http://proxy:3128/'],
    ['it has no scheme', undefined, { https_proxy: 'proxy:3128' }, 'http://proxy:3128/'],
    ['the file names another', 'https://own:8443', { HTTPS_PROXY: PROXY }, 'https://own:8443/'],
    ['the file says direct', 'direct', { HTTPS_PROXY: PROXY }, null],
    ['the file names one and the environment has exceptions', PROXY, { NO_PROXY: '*' }, 'http://proxy:3128/'],
  ])('when %s', (_, setting, env, expected) => {
    expect(proxyChoice(setting, env)(to)?.href ?? null).toBe(expected);
  });

  it.each([
    ['*', to, true],
    ['fleet.site.example', to, true],
    ['other.example, site.example', to, true],
    ['.site.example', to, true],
    ['*.site.example', to, true],
    ['FLEET.site.example:8444', to, true],
    ['fleet.site.example:8443', to, false],
    ['te.example', to, false],
    ['10.0.0.0/8', { host: '10.7.7.7', port: 1 }, true],
    ['10.0.0.0/8', { host: '11.7.7.7', port: 1 }, false],
    ['192.168.1.4', { host: '192.168.1.4', port: 1 }, true],
    ['[fd00::]/8,localhost', { host: 'fd00::1', port: 1 }, true],
    ['300.0.0.0/99', to, false],
  ])('NO_PROXY %s', (list, address, isStraight) => {
    const choice = proxyChoice(undefined, { HTTPS_PROXY: PROXY, NO_PROXY: list });
    expect(choice(address) === null).toBe(isStraight);
  });

  it.each(['socks5://proxy:1', 'http://', 'http:// a b'])('%s is refused without showing it', (text) => {
    expect(() => proxyChoice(text, {})).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
