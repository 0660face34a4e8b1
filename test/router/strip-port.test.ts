import { expect, test } from 'vitest';
import type { Exchange } from '../../src/core/exchange.ts';
import { stripPort } from '../../src/router/strip-port.ts';

const strip = (authority: string, which: 'any' | 'reached', reached?: Exchange['peer']['reached']) => {
  const exchange = { authority, peer: reached ? { reached } : {} } as Exchange;
  stripPort(exchange, which);
  return exchange.authority;
};
const here = { kind: 'tcp', host: '127.0.0.1', port: 8080 } as const;

test.each([
  ['a.example:8080', 'a.example', 'a.example'],
  ['a.example:80', 'a.example', 'a.example:80'],
  ['a.example', 'a.example', 'a.example'],
  ['a.example:', 'a.example:', 'a.example:'],
  ['a.example:99999', 'a.example', 'a.example:99999'],
  ['[::1]:8080', '[::1]', '[::1]'],
  ['[::1]', '[::1]', '[::1]'],
])('of %j any port leaves %j, and the port that was reached %j', (authority, any, reached) => {
  expect(strip(authority, 'any')).toBe(any);
  expect(strip(authority, 'reached', here)).toBe(reached);
});

test('a client that has reached no port keeps the one that it names', () => {
  expect(strip('a.example:8080', 'reached', { kind: 'unix', path: '/run/a' })).toBe('a.example:8080');
  expect(strip('a.example:8080', 'reached')).toBe('a.example:8080');
});
