import { expect, test } from 'vitest';
import type { Redirect } from '../../src/chain/model/http.ts';
import { locate } from '../../src/router/redirect.ts';

const prefix = { kind: 'prefix', value: '/a/' } as const;

test.each<[Redirect, string, string]>([
  [{}, 'h', 'http://h/a/b?c'],
  [{ scheme: 'https' }, 'h:80', 'https://h/a/b?c'],
  [{ scheme: 'https' }, 'h:8080', 'https://h:8080/a/b?c'],
  [{ scheme: 'http' }, 'h:80', 'http://h:80/a/b?c'],
  [{ port: 81 }, 'h:80', 'http://h:81/a/b?c'],
  [{ port: 81 }, '[::1]', 'http://[::1]:81/a/b?c'],
  [{ host: 'i:5' }, 'h:80', 'http://i:5/a/b?c'],
  [{ path: '/d' }, 'h', 'http://h/d?c'],
  [{ path: '/d?e', dropsQuery: true }, 'h', 'http://h/d?e'],
  [{ path: '/d', dropsQuery: true }, 'h', 'http://h/d'],
  [{ prefix: '/d/' }, 'h', 'http://h/d/b?c'],
])('%o sends a request for %s to %s', (redirect, authority, place) => {
  expect(locate(redirect, { target: '/a/b?c', authority, scheme: 'http', headers: [] }, prefix)).toBe(place);
});

test('the scheme is the one that a proxy in front tells of', () => {
  const request = {
    target: '/',
    authority: 'h:443',
    scheme: 'http',
    headers: [['x-forwarded-proto', 'https']],
  } as const;
  expect(locate({ scheme: 'http' }, request, prefix)).toBe('http://h/');
});
