import { expect, test } from 'vitest';
import type { Address } from '../../src/core/address.ts';
import { isLoopback } from '../../src/core/ip.ts';

const tcp = (host: string): Address => ({ kind: 'tcp', host, port: 3128 });

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['*', false],
  ['', false],
  ['10.0.0.1', false],
  ['proxy.example', false],
  ['localhost.example', false],
  ['::127.0.0.1', false],
])('%s is loopback: %s', (host, is) => expect(isLoopback(tcp(host))).toBe(is));

test('unix and internal listeners are within this machine, an unknown descriptor is not', () => {
  expect(isLoopback({ kind: 'unix', path: '/run/tunl.sock' })).toBe(true);
  expect(isLoopback({ kind: 'internal', name: 'x' })).toBe(true);
  expect(isLoopback({ kind: 'fd', fd: 3 })).toBe(false);
});
