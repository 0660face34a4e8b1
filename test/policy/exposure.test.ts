import { expect, test } from 'vitest';
import type { Address } from '../../src/core/address.ts';
import { assertNotOpen, isLoopback } from '../../src/policy/exposure.ts';

const tcp = (host: string): Address => ({ kind: 'tcp', host, port: 3128 });
const closed = { hasUsers: false, hasClientCa: false, open: false };

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

test('starts on loopback without authentication', () => {
  expect(() => assertNotOpen({ listen: [tcp('127.0.0.1'), { kind: 'unix', path: '/s' }], ...closed })).not.toThrow();
});

test.each(['0.0.0.0', '::', '192.168.1.5'])('refuses to start on %s without authentication', (host) => {
  let error: unknown;
  try {
    assertNotOpen({ listen: [tcp('127.0.0.1'), tcp(host)], ...closed });
  } catch (caught) {
    error = caught;
  }
  expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining(host) });
  const hints = (error as { facts: { hints: string[] } }).facts.hints.join('\n');
  for (const option of ['--auth-file', '--user', '--client-ca', '--open']) expect(hints).toContain(option);
});

test.each([{ hasUsers: true }, { hasClientCa: true }, { open: true }])('starts anywhere with %o', (reason) => {
  expect(() => assertNotOpen({ listen: [tcp('0.0.0.0')], ...closed, ...reason })).not.toThrow();
});
