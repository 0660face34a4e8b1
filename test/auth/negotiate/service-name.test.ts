import { expect, test } from 'vitest';
import { parseSpn } from '../../../src/auth/negotiate/service-name.ts';

test.each(['HTTP/proxy', 'HTTP/proxy.corp.example', 'http/a_b-c.d', 'squid/PROXY1'])('%s names a service', (spn) => {
  expect(parseSpn(spn)).toBe(spn);
});

test.each([
  '',
  'proxy.corp',
  'HTTP/',
  '/proxy',
  'HTTP@proxy',
  'HTTP/proxy@REALM',
  'HTTP/a b',
  'HTTP/a"\nurl=x',
  'HTTP/-a',
])('%j names none', (spn) => {
  expect(() => parseSpn(spn)).toThrow('is not the name of a service');
});
