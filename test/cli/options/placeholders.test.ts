import { expect, test } from 'vitest';
import type { ListenAddress } from '../../../src/core/address.ts';
import { checkPlaceholders, fillPlaceholders, setVariables, toPlace } from '../../../src/cli/options/placeholders.ts';
import { refusalOf } from '../../support/usage.ts';

const tcp = (host: string, port: number): ListenAddress => ({ kind: 'tcp', host, port });
const unix: ListenAddress = { kind: 'unix', path: '/run/db.sock' };
const one = [tcp('127.0.0.1', 5432)];
const three = [tcp('127.0.0.1', 5432), tcp('::1', 6379), unix];

const fill = (word: string, addresses = three) => fillPlaceholders([word], addresses.map(toPlace))[0];

test.each([
  ['{port}', '5432'],
  ['{port1}', '5432'],
  ['{port2}', '6379'],
  ['{host2}', '::1'],
  ['{addr2}', '[::1]:6379'],
  ['{host3}', '/run/db.sock'],
  ['{addr3}', 'unix:/run/db.sock'],
  ['redis://{addr2}/0', 'redis://[::1]:6379/0'],
  ['--map={port}:{port2}', '--map=5432:6379'],
  ['user@{host}', 'user@127.0.0.1'],
  ['#{host}', '#127.0.0.1'],
])('fills %s with %s', (word, filled) => {
  expect(fill(word)).toBe(filled);
});

test.each([
  '',
  '{}',
  '{ port }',
  '{a,b}',
  '{"port":1}',
  '{1..3}',
  '${port}',
  '${HOME}',
  '%{http_code}',
  'HEAD@{upstream}',
  '#{pane_id}',
  '{print $1}',
  '\\{port\\}',
  '{{.Names}}',
  '{{json .}}',
])('leaves the braces of others alone: %s', (word) => {
  expect(fill(word)).toBe(word);
});

test.each([
  ['{{port}}', '{port}'],
  ['{{print}}', '{print}'],
  ['{{{port}}}', '{{port}}'],
])('writes %s as %s', (word, literal) => {
  expect(fill(word)).toBe(literal);
});

test.each([
  '{port2}',
  '{port0}',
  '{port01}',
  '{host9}',
  '{prot}',
  '{PORT}',
  '{ports}',
  '{port_1}',
  '{print}',
  '{address}',
])('refuses %s beside one listener', (placeholder) => {
  const { message, hints } = refusalOf(() => checkPlaceholders(['x', `a${placeholder}b`], one));
  expect(message).toBe(`the command has a placeholder that does not exist: "${placeholder}"`);
  expect(hints).toEqual([`there are {port} {host} {addr}; for the text itself write {${placeholder}}`]);
});

test('a socket without a file is written with its @', () => {
  expect(toPlace({ kind: 'unix', path: '\0name' })).toEqual({ host: '@name', addr: 'unix:@name' });
});

test('a Unix socket has no port', () => {
  expect(refusalOf(() => checkPlaceholders(['{port}'], [unix, ...one])).hints[0]).toMatch(
    /^there are \{host1\} \{addr1\} \{port2\} \{host2\} \{addr2\};/,
  );
});

test('an inherited descriptor is known only once it listens', () => {
  expect(() => checkPlaceholders(['{port} {host} {addr}'], [{ kind: 'fd', fd: 3 }])).not.toThrow();
  expect(() => fillPlaceholders(['{port}'], [toPlace(unix)])).toThrow('"{port}"');
});

test.each([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '127.0.0.1'],
  ['192.0.2.7', '192.0.2.7'],
])('a listener on %s is reached at %s', (host, reached) => {
  expect(toPlace({ kind: 'tcp', host, port: 80 })).toEqual({ port: '80', host: reached, addr: `${reached}:80` });
});

test('sets the variables of every listener and no others', () => {
  const env = { PATH: '/bin', TUNL_PORT: 'stale', TUNL_HOST_7: 'stale', TUNL_OTHER: 'kept' };
  expect(setVariables(env, [toPlace(unix)])).toEqual({
    PATH: '/bin',
    TUNL_OTHER: 'kept',
    TUNL_HOST: '/run/db.sock',
    TUNL_ADDR: 'unix:/run/db.sock',
    TUNL_HOST_1: '/run/db.sock',
    TUNL_ADDR_1: 'unix:/run/db.sock',
  });
});
