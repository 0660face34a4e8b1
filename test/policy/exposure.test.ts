import { expect, test } from 'vitest';
import type { Address } from '../../src/core/address.ts';
import { assertNotOpen } from '../../src/policy/exposure.ts';

const tcp = (host: string): Address => ({ kind: 'tcp', host, port: 3128 });
const closed = { hasUsers: false, hasClientCa: false, open: false };

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
