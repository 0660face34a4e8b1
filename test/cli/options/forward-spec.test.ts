import { expect, test } from 'vitest';
import { formatAddress } from '../../../src/core/address.ts';
import { parseForwardSpec } from '../../../src/cli/options/forward-spec.ts';
import { refusalOf } from '../../support/usage.ts';

test.each([
  ['8080:db:5432', 'localhost:8080', 'db:5432'],
  ['0:db:5432', 'localhost:0', 'db:5432'],
  [':db:5432', 'localhost:0', 'db:5432'],
  ['127.0.0.1:8080:db:5432', '127.0.0.1:8080', 'db:5432'],
  ['localhost:8080:db:5432', 'localhost:8080', 'db:5432'],
  ['*:8080:db:5432', '*:8080', 'db:5432'],
  [':8080:db:5432', '*:8080', 'db:5432'],
  ['[::1]:8080:db:5432', '[::1]:8080', 'db:5432'],
  ['8080:[2001:db8::1]:80', 'localhost:8080', '[2001:db8::1]:80'],
  ['[::1]:8080:[2001:db8::1]:80', '[::1]:8080', '[2001:db8::1]:80'],
  [':[::1]:80', 'localhost:0', '[::1]:80'],
  ['unix:/run/db.sock:db:5432', 'unix:/run/db.sock', 'db:5432'],
  ['unix:/run/a:b:db:5432', 'unix:/run/a:b', 'db:5432'],
  ['unix:/run/db.sock:[::1]:5432', 'unix:/run/db.sock', '[::1]:5432'],
  ['unix:/run/a.sock:unix:/run/b.sock', 'unix:/run/a.sock', 'unix:/run/b.sock'],
  ['8080:unix:/run/db.sock', 'localhost:8080', 'unix:/run/db.sock'],
  [':8080:unix:/run/db.sock', '*:8080', 'unix:/run/db.sock'],
  [':unix:/run/db.sock', 'localhost:0', 'unix:/run/db.sock'],
  ['fd:3:db:5432', 'fd:3', 'db:5432'],
  ['fd:3:unix:/run/db.sock', 'fd:3', 'unix:/run/db.sock'],
])('reads %s', (text, listen, target) => {
  const spec = parseForwardSpec(text);
  expect([formatAddress(spec.listen), 'target' in spec && formatAddress(spec.target)]).toEqual([listen, target]);
});

test.each([
  ['socks:1080', 'socks', 'localhost:1080'],
  ['http:', 'http', 'localhost:0'],
  ['any:0', 'any', 'localhost:0'],
  ['any:127.0.0.1:1080', 'any', '127.0.0.1:1080'],
  ['socks:[::1]:1080', 'socks', '[::1]:1080'],
  ['http:*:3128', 'http', '*:3128'],
  ['http::3128', 'http', '*:3128'],
  ['socks:unix:/run/front:1', 'socks', 'unix:/run/front:1'],
  ['any:fd:3', 'any', 'fd:3'],
])('reads the front %s', (text, front, listen) => {
  const spec = parseForwardSpec(text);
  expect([spec, formatAddress(spec.listen)]).toEqual([{ front, listen: spec.listen }, listen]);
});

test.each([
  ['', '"" is not a complete SPEC'],
  ['8080', '"8080" is not a complete SPEC'],
  ['db:5432', '"db:5432" is not a complete SPEC'],
  ['unix:/run/db.sock', '"unix:/run/db.sock" is not a complete SPEC'],
  ['unix:/run/db.sock:5432', '"unix:/run/db.sock:5432" is not a complete SPEC'],
  ['fd:3', '"fd:3" is not a complete SPEC'],
  ['fd:3:5432', '"fd:3:5432" is not a complete SPEC'],
  ['fd:x:db:5432', '"fd:x" is not an inherited descriptor'],
  ['8080:db:', '"db:": "" is not a port from 1 to 65535'],
  ['8080::5432', '":5432": "" is not a host name'],
  ['http:8080:db:5432', '"http:8080:db:5432" has a target, and the clients of http: name theirs'],
  ['any::db:5432', '"any::db:5432" has a target, and the clients of any: name theirs'],
  ['socks:[::1]:1080:db:5432', '"socks:[::1]:1080:db:5432" has a target, and the clients of socks: name theirs'],
  ['socks:unix', '"socks:unix" is not a complete SPEC'],
  ['socks:x', '"socks:x": "x" is not a port from 0 to 65535'],
  ['socks5:1080', '"socks5:1080" is not a complete SPEC'],
  ['x:db:5432', '"x:db:5432": "x" is not a port from 0 to 65535'],
  ['8080:db:0', '"db:0": "0" is not a port from 1 to 65535'],
  ['99999:db:1', '"99999:db:1": "99999" is not a port from 0 to 65535'],
  ['::1:8080:db:5432', '"::1:8080:db:5432": "::1" is not an address to listen on'],
  ['8080:127.1:80', '"127.1:80": "127.1" is not a canonical IPv4 address'],
  ['8080:unix:', '"unix:" has no path'],
])('refuses %j', (text, message) => {
  expect(refusalOf(() => parseForwardSpec(text)).message).toBe(message);
});

test('shows the way to a free port to somebody who gave a target only', () => {
  expect(refusalOf(() => parseForwardSpec('db:5432')).hints[0]).toBe('for a free local port write ":db:5432"');
});
