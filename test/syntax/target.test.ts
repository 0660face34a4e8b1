import { expect, test } from 'vitest';
import { parseTargetArguments } from '../../src/syntax/target.ts';
import { refusalOf } from '../support/usage.ts';

test.each([
  [['db:5432'], 'db', 5432],
  [['db', '5432'], 'db', 5432],
  [['DB.Internal.:22'], 'db.internal', 22],
  [['under_score.example:1'], 'under_score.example', 1],
  [['-db-:22'], '-db-', 22],
  [['bücher.example:443'], 'xn--bcher-kva.example', 443],
  [['Bücher.example', '443'], 'xn--bcher-kva.example', 443],
  [['192.0.2.7:65535'], '192.0.2.7', 65535],
  [['[2001:db8::1]:22'], '2001:db8::1', 22],
  [['[::1]', '22'], '::1', 22],
  // The words that ssh puts for %h and %p.
  [['2001:db8::1', '22'], '2001:db8::1', 22],
])('reads %j', (words, host, port) => {
  expect(parseTargetArguments(words)).toEqual({ kind: 'tcp', host, port });
});

test.each([
  [[], 'the target is missing'],
  [['db'], 'the target "db" has no port'],
  [['db:'], '"db:": "" is not a port from 1 to 65535'],
  [['db:0'], '"db:0": "0" is not a port from 1 to 65535'],
  [['db:65536'], '"db:65536": "65536" is not a port from 1 to 65535'],
  [['db:022'], '"db:022": "022" is not a port from 1 to 65535'],
  [['db:ssh'], '"db:ssh": "ssh" is not a port from 1 to 65535'],
  [['db', 'x'], '"db:x": "x" is not a port from 1 to 65535'],
  [[':22'], '":22": "" is not a host name'],
  [['::1:22'], '"::1:22" is not HOST:PORT'],
  [['db:1:2'], '"db:1:2" is not HOST:PORT'],
  [['[::1'], '"[::1": "[:" is not an IPv6 address'],
  [['[::1%lo]:22'], '"[::1%lo]:22": "[::1%lo]" is not an IPv6 address'],
  [['2130706433:80'], '"2130706433:80": "2130706433" is not a canonical IPv4 address'],
  [['0x7f.1:80'], '"0x7f.1:80": "0x7f.1" is not a canonical IPv4 address'],
  [['127.1:80'], '"127.1:80": "127.1" is not a canonical IPv4 address'],
  [['a b:22'], '"a b:22": "a b" is not a host name'],
  [['bücher%.example:443'], '"bücher%.example:443": "bücher%.example" is not a host name'],
  [['bücher/x:443'], '"bücher/x:443": "bücher/x" is not a host name'],
  [['http://db:80'], '"http://db:80" is a URL, not a target'],
  [['db:22', '22'], '"db:22" and "22" are not a host and a port'],
  [['db', '22', 'more'], 'unexpected argument "more"'],
])('refuses %j', (words, message) => {
  expect(refusalOf(() => parseTargetArguments(words)).message).toBe(message);
});

test('does not repeat what may be a password', () => {
  const { message, hints } = refusalOf(() => parseTargetArguments(['root:secret@db:22']));
  expect(`${message} ${hints.join(' ')}`).not.toContain('secret');
});
