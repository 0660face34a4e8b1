import { once } from 'node:events';
import { linkSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { toBytes } from '../../src/core/ip.ts';
import type { Address } from '../../src/core/address.ts';
import { isOwn, isOwnPath, isThisMachine } from '../../src/policy/own.ts';
import { makeTempFolder } from '../support/temp.ts';

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

test('a socket of ours is known by any path and link that leads to it', async () => {
  const folder = makeTempFolder();
  const path = join(folder, 'own.sock');
  const server = createServer().listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const link = join(folder, 'link.sock');
  symlinkSync(path, link);
  const hard = join(folder, 'hard.sock');
  linkSync(path, hard);
  const own = [{ kind: 'unix', path }] as const;
  const found = [path, `${folder}/./x/../own.sock`, link, hard, join(folder, 'none.sock')].map((at) =>
    isOwnPath(at, own),
  );
  expect(found).toEqual([true, true, true, true, false]);
});

test('a name of the abstract namespace is known by itself alone', () => {
  const own = [{ kind: 'unix', path: '\0own' }] as const;
  expect(['\0own', '\0./own', '\0other', 'own'].map((path) => isOwnPath(path, own))).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(isOwnPath('\0own', [{ kind: 'unix', path: '/run/own' }])).toBe(false);
});

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['0.0.0.0', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['a.localhost', true],
  ['198.51.100.7', false],
  ['example.com', false],
  ['fe80::1%lo', false],
])('%s is surely this machine: %s', (host, expected) => {
  expect(isThisMachine(host)).toBe(expected);
});
