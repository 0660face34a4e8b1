import { expect, test } from 'vitest';
import { parseListen, refuseDuplicates } from '../../src/syntax/listen.ts';
import { hasAbstractNames } from '../support/abstract-names.ts';
import { refusalOf } from '../support/usage.ts';

const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });

test.each([
  ['3128', tcp('127.0.0.1', 3128)],
  ['0', tcp('127.0.0.1', 0)],
  ['0.0.0.0:3128', tcp('0.0.0.0', 3128)],
  ['localhost:3128', tcp('localhost', 3128)],
  ['[::]:3128', tcp('::', 3128)],
  ['[::1]:0', tcp('::1', 0)],
  [':3128', tcp('*', 3128)],
  ['*:3128', tcp('*', 3128)],
  ['unix:/run/tunl.sock', { kind: 'unix', path: '/run/tunl.sock' }],
  ['unix:a:b', { kind: 'unix', path: 'a:b' }],
  ['fd:3', { kind: 'fd', fd: 3 }],
  ['fd:0', { kind: 'fd', fd: 0 }],
])('reads %s', (text, address) => {
  expect(parseListen(text)).toEqual(address);
});

test.runIf(hasAbstractNames)('reads a name of the abstract namespace', () => {
  expect(parseListen('unix:@name')).toEqual({ kind: 'unix', path: '\0name' });
  expect(refusalOf(() => refuseDuplicates([parseListen('unix:@a'), parseListen('unix:@a')])).message).toBe(
    '"unix:@a" is given twice as an address to listen on',
  );
});

test.each([
  ['', '"" has no port to listen on'],
  ['0.0.0.0', '"0.0.0.0": "0.0.0.0" is not a port from 0 to 65535'],
  ['localhost:', '"localhost:" has no port to listen on'],
  ['localhost:http', '"localhost:http": "http" is not a port from 0 to 65535'],
  ['65536', '"65536": "65536" is not a port from 0 to 65535'],
  ['-1', '"-1": "-1" is not a port from 0 to 65535'],
  ['::1:80', '"::1:80": "::1" is not an address to listen on'],
  ['127.1:80', '"127.1:80": "127.1" is not a canonical IPv4 address'],
  ['unix:', '"unix:" has no path'],
  ['fd:', '"fd:" is not an inherited descriptor'],
  ['fd:x', '"fd:x" is not an inherited descriptor'],
  ['fd:1', '"fd:1" is not an inherited descriptor'],
  ['fd:2', '"fd:2" is not an inherited descriptor'],
])('refuses %j', (text, message) => {
  expect(refusalOf(() => parseListen(text)).message).toBe(message);
});

test('refuses a path that the system would cut', () => {
  expect(refusalOf(() => parseListen(`unix:/${'a'.repeat(107)}`)).message).toContain('the path has 108 bytes');
  expect(refusalOf(() => parseListen(`unix:/${'ü'.repeat(54)}`)).message).toContain('the path has 109 bytes');
});

test('refuses one place twice, and takes any number of free ports', () => {
  const again = ['3128', '127.0.0.1:3128'].map(parseListen);
  expect(refusalOf(() => refuseDuplicates(again)).message).toBe(
    '"127.0.0.1:3128" is given twice as an address to listen on',
  );
  expect(() => refuseDuplicates(['0', '0', '3128', '[::1]:3128'].map(parseListen))).not.toThrow();
});

test.each([
  ['*:80', '127.0.0.1:80'],
  ['127.0.0.1:80', '0.0.0.0:80'],
  ['[::]:80', '0.0.0.0:80'],
  ['[::1]:80', ':80'],
  ['unix:/run/a', 'unix:/run/../run/a'],
  ['fd:3', 'fd:3'],
])('refuses %s beside %s', (first, second) => {
  const { message, hints } = refusalOf(() => refuseDuplicates([first, second].map(parseListen)));
  expect(message).toMatch(/twice|both/);
  expect(hints).toHaveLength(1);
});

test('takes one port of two families', () => {
  expect(() => refuseDuplicates(['0.0.0.0:80', '[::1]:80'].map(parseListen))).not.toThrow();
});
