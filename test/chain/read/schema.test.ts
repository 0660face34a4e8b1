import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { makeJsonSchema } from '../../../src/chain/read/schema.ts';

const isValid = new Ajv2020({ strict: false }).compile(makeJsonSchema());

test('an editor accepts what we read', () => {
  const file = parse(`
defaults: { limits: { idle: 5m, dns: 0 }, retry: 2, family: 4 }
stages:
  ingress: { listen: [9999, 'unix:/x'], to: internal://encap }
  encap: { via: [internal://b, a|b, { url: http://p, headers: { X: [y] } }, { any: [a, b] }], to: [a:1, b:2], balance: first }
  edge: { listen: 1, tls: true, proxy: { accept: [post], users: { me: '\${X}' }, allow: a, open: true }, log: true }
  bare: { listen: 2, tls: { cert: x, client-ca: y }, proxy: }
`) as unknown;
  expect([isValid(file), isValid.errors]).toEqual([true, null]);
});

test.each([
  'stages: { a: { lisen: 1 } }',
  'stages: { a: { to: 1 } }',
  'stage: {}',
  'stages: { a: { family: 5 } }',
  '{}',
])('an editor marks %s', (text) => {
  expect(isValid(parse(text))).toBe(false);
});
