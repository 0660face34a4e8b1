import { expect, test } from 'vitest';
import { assertUnixPath, isSameUnixPath, readUnixPath, type SocketHost } from '../../src/core/unix-path.ts';
import { refusalOf } from '../support/usage.ts';

const linux: SocketHost = { platform: 'linux', versions: { node: '26.1.0', uv: '1.51.0' } };

test.each([
  ['/run/x.sock', '/run/x.sock'],
  ['@name', '\0name'],
  ['@a/b@c', '\0a/b@c'],
  ['./@name', './@name'],
  ['a@b', 'a@b'],
])('reads %s', (text, path) => {
  expect(readUnixPath(text, linux)).toBe(path);
});

test.each<[string, string, SocketHost, string]>([
  ['no name', '@', linux, 'unix:@ has no name'],
  [
    'a name on macOS',
    '@name',
    { ...linux, platform: 'darwin' },
    'unix:@name is not a file, and only Linux has abstract sockets',
  ],
  [
    'a name where Node pads it',
    '@name',
    { platform: 'linux', versions: { node: '20.20.2', uv: '1.46.0' } },
    'unix:@name needs Node 22 or later: Node 20.20.2 changes the name, so that no other program finds it',
  ],
])('refuses %s', (_, text, host, message) => {
  expect(refusalOf(() => readUnixPath(text, host)).message).toBe(message);
});

test.each([
  ['/run/a', '/run/./a', true],
  ['/run/a', '/run/b', false],
  ['\0a', '\0a', true],
  ['\0a', '\0./a', false],
  ['\0a', './a', false],
])('%j and %j are the same: %s', (one, other, isSame) => {
  expect(isSameUnixPath(one, other)).toBe(isSame);
});

test('a name that is too long is told as it was written', () => {
  expect(refusalOf(() => assertUnixPath(`\0${'x'.repeat(107)}`)).message).toMatch(/^unix:@x{107} is too long: /);
});
