import { expect, test } from 'vitest';
import type { ListenAddress } from '../../../src/core/address.ts';
import { setProxyVariables } from '../../../src/cli/lifecycle/proxy-variables.ts';
import { refusalOf } from '../../support/usage.ts';

const address = { kind: 'tcp', host: '127.0.0.1', port: 1080 } as const;

/** Leads to a front at this address, which is the second listener. */
function lead(
  env: Readonly<Record<string, string>>,
  front: string,
  login?: { readonly user: string; readonly password: string },
  at: ListenAddress = address,
) {
  const other = { ...address, port: 9 };
  return setProxyVariables(env, { front, index: 1, listen: other, login }, [other, at]);
}

test.each([
  ['http', 'http://127.0.0.1:1080'],
  ['socks', 'socks5h://127.0.0.1:1080'],
  ['any', 'http://127.0.0.1:1080'],
])('leads programs to a front of kind %s', (front, url) => {
  expect(lead({ PATH: '/bin' }, front)).toEqual({
    PATH: '/bin',
    http_proxy: url,
    https_proxy: url,
    all_proxy: url,
    HTTPS_PROXY: url,
    ALL_PROXY: url,
  });
});

test('replaces what was set before, and leaves exceptions alone', () => {
  const before = { http_proxy: 'a', HTTP_PROXY: 'b', no_proxy: '.corp', NO_PROXY: 'localhost' };
  expect(lead(before, 'http')).toMatchObject({
    http_proxy: 'http://127.0.0.1:1080',
    HTTP_PROXY: 'http://127.0.0.1:1080',
    no_proxy: '.corp',
    NO_PROXY: 'localhost',
  });
});

test('writes a user and a password so that they can be read again', () => {
  const url = lead({}, 'socks', { user: 'a@b', password: 'c:/ü%' }, { ...address, host: '::1' });
  expect(url['all_proxy']).toBe('socks5h://a%40b:c%3A%2F%C3%BC%25@[::1]:1080');
  expect(new URL(url['all_proxy'] ?? '').hostname).toBe('[::1]');
});

test('names loopback for a front on every address', () => {
  expect(lead({}, 'http', undefined, { ...address, host: '*' })['http_proxy']).toBe('http://127.0.0.1:1080');
});

test('refuses a front on a Unix socket, which no such URL can name', () => {
  const socket = { kind: 'unix', path: '/run/front' } as const;
  expect(refusalOf(() => lead({}, 'http', undefined, socket)).message).toBe(
    'http:unix:/run/front cannot be told to a command: http_proxy names a host and a port',
  );
});
