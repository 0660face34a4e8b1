import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { toBytes } from '../../src/core/ip-bytes.ts';
import type { Address } from '../../src/core/address.ts';
import { isOwn } from '../../src/policy/own.ts';

const at = (host: string): readonly Address[] => [{ kind: 'tcp', host, port: 3128 }];
const isOwnAt = (bound: string, dialled: string, port = 3128) => isOwn(toBytes(dialled)!, port, at(bound));

test.each([
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '::ffff:127.0.0.1', true],
  ['127.0.0.1', '64:ff9b::7f00:1', true],
  ['127.0.0.1', '0.0.0.0', true],
  ['127.0.0.1', '127.0.0.2', false],
  ['127.0.0.1', '::1', false],
  ['127.0.0.1', '8.8.8.8', false],
  ['::1', '::1', true],
  ['::1', '::', true],
  ['::1', '127.0.0.1', false],
  ['0.0.0.0', '127.0.0.1', true],
  ['0.0.0.0', '127.9.9.9', true],
  ['0.0.0.0', '::1', false],
  ['0.0.0.0', '8.8.8.8', false],
  ['::', '127.9.9.9', true],
  ['::', '::1', true],
  ['::', '2606:4700::1', false],
  ['198.51.100.7', '198.51.100.7', true],
  ['::ffff:198.51.100.7', '198.51.100.7', true],
])('bound to %s, dialling %s reaches us: %s', (bound, dialled, isReached) => {
  expect(isOwnAt(bound, dialled)).toBe(isReached);
});

test('bound to every interface, each address of this machine is ours', () => {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  expect(addresses.length).toBeGreaterThan(0);
  for (const { address } of addresses) expect([address, isOwnAt('::', address)]).toEqual([address, true]);
});

test('another port is not ours, and neither is what has no port', () => {
  expect(isOwnAt('127.0.0.1', '127.0.0.1', 3129)).toBe(false);
  expect(isOwn([127, 0, 0, 1], 3128, [{ kind: 'unix', path: '/s' }])).toBe(false);
});
