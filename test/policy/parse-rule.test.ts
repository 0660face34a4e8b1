import { expect, test } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';
import { formatIp } from '../../src/core/ip.ts';
import { parseRule, type Rule } from '../../src/policy/rules.ts';

/** The rule as the shortest text that shows all of it. */
function show({ host, ports }: Rule): string {
  const place = {
    any: () => 'any host',
    suffix: () => host.kind === 'suffix' && `below ${host.suffix}`,
    name: () => host.kind === 'name' && `name ${host.name}`,
    range: () => host.kind === 'range' && `range ${formatIp(host.range.bytes)}/${host.range.prefix}`,
  }[host.kind]();
  return `${place}, ${ports.length === 0 ? 'any port' : ports.map(({ first, last }) => `${first}-${last}`).join(' ')}`;
}

test.each([
  ['*', 'any host, any port'],
  ['*:*', 'any host, any port'],
  ['*:443', 'any host, 443-443'],
  ['*.example.com:443,22', 'below .example.com, 443-443 22-22'],
  ['*.Example.COM.', 'below .example.com, any port'],
  ['*.localhost', 'below .localhost, any port'],
  ['localhost:22', 'name localhost, 22-22'],
  ['LOCALHOST.:22', 'name localhost, 22-22'],
  ['db_1.internal', 'name db_1.internal, any port'],
  ['xn--bcher-kva.example:8000-8100,1,65535', 'name xn--bcher-kva.example, 8000-8100 1-1 65535-65535'],
  ['bücher.example:443', 'name xn--bcher-kva.example, 443-443'],
  ['*.BÜCHER.example', 'below .xn--bcher-kva.example, any port'],
  ['１２７.0.0.1', 'range 127.0.0.1/32, any port'],
  ['-a.example', 'name -a.example, any port'],
  ['*.a-.example', 'below .a-.example, any port'],
  ['3com.example', 'name 3com.example, any port'],
  ['10.0.0.0/8:*', 'range 10.0.0.0/8, any port'],
  ['10.1.2.3', 'range 10.1.2.3/32, any port'],
  ['10.1.2.3:22', 'range 10.1.2.3/32, 22-22'],
  ['0.0.0.0/0:443', 'range 0.0.0.0/0, 443-443'],
  ['[::1]:22', 'range ::1/128, 22-22'],
  ['[::1]', 'range ::1/128, any port'],
  ['::1', 'range ::1/128, any port'],
  ['2001:db8::1:22', 'range 2001:db8::1:22/128, any port'],
  ['2001:db8::/32', 'range 2001:db8::/32, any port'],
  ['2001:DB8::/32:443', 'range 2001:db8::/32, 443-443'],
  ['[2001:db8::/32]:443', 'range 2001:db8::/32, 443-443'],
  ['[2001:db8::]/32:443', 'range 2001:db8::/32, 443-443'],
  ['[::ffff:10.0.0.0]/104:22', 'range 10.0.0.0/8, 22-22'],
])('%s covers %s', (text, meaning) => expect(show(parseRule(text))).toBe(meaning));

test.each([
  ['', 'not a host, address or range'],
  [':22', 'not a host, address or range'],
  ['localhost:', '"" is not a port'],
  ['localhost:0', '"0" is not a port'],
  ['localhost:022', '"022" is not a port'],
  ['localhost:65536', '"65536" is not a port'],
  ['localhost:ssh', '"ssh" is not a port'],
  ['localhost:22,', '"" is not a port'],
  ['localhost:22,*', '"*" is not a port'],
  ['localhost:90-80', '"90-80" is not a port'],
  ['localhost:80-', '"80-" is not a port'],
  ['localhost: 22', '" 22" is not a port'],
  ['a b', 'not a host, address or range'],
  ['a..example', 'not a host, address or range'],
  ['a,b.example', 'not a host, address or range'],
  ['.example.com', 'not a host, address or range'],
  ['ü%b.example', 'not a host, address or range'],
  ['ü\u202eb.example', 'not a host, address or range'],
  ['db-*.example.com', 'a wildcard stands for whole labels at the front'],
  ['*example.com', 'a wildcard stands for whole labels at the front'],
  ['*.*.example.com', 'a wildcard stands for whole labels at the front'],
  ['example.*', 'a wildcard stands for whole labels at the front'],
  ['*.', 'a wildcard stands for whole labels at the front'],
  ['*.1', 'not an address or a range'],
  ['127.1', 'not an address or a range'],
  ['2130706433', 'not an address or a range'],
  ['0x7f.1', 'not an address or a range'],
  ['0177.0.0.1', 'not an address or a range'],
  ['1.2.3.4.', 'not an address or a range'],
  ['10.0.0.0/33', 'not an address or a range'],
  ['example.com/8', 'not an address or a range'],
  ['https://example.com', 'not an address or a range'],
  ['10.0.0.1/8', 'bits are set after the first 8'],
  ['2001:db8::1/32', 'bits are set after the first 32'],
  ['[10.0.0.1]:22', 'brackets are for IPv6 addresses'],
  ['[localhost]:22', 'brackets are for IPv6 addresses'],
  ['::1:22,80', 'too many colons'],
  ['[::1', 'too many colons'],
  ['a:1:2', 'too many colons'],
  ['[::1]22', 'too many colons'],
  ['fe80::1%eth0', 'an address with a zone cannot be a rule'],
  ['[fe80::1%eth0]:22', 'an address with a zone cannot be a rule'],
])('refuses %j: %s', (text, fault) => {
  const error = catchError(() => parseRule(text));
  expect(error.code).toBe('usage');
  expect(error.message).toContain(`rule ${JSON.stringify(text)}: ${fault}`);
});

test('a range with too many bits set is answered with the one that was meant', () => {
  expect(catchError(() => parseRule('192.168.1.5/24')).facts.hints).toEqual(['write 192.168.1.0/24']);
});

test('a control character in a rule does not reach the terminal', () => {
  expect(catchError(() => parseRule('a\u001b[2J')).message).not.toContain('\u001b');
});

function catchError(work: () => unknown): TunlError {
  try {
    work();
  } catch (error) {
    if (error instanceof TunlError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
