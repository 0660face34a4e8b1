import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress } from '../../src/core/address.ts';
import { parseAuthority } from '../../src/syntax/authority.ts';
import { quoteAscii } from '../../src/syntax/text.ts';

const label63 = 'a'.repeat(63);
const name253 = `${`${label63}.`.repeat(3)}${'b'.repeat(61)}`;

test.each([
  ['db:5432', 'db', 5432],
  ['EXAMPLE.Com:443', 'example.com', 443],
  ['example.com.:443', 'example.com', 443],
  ['127.0.0.1:1', '127.0.0.1', 1],
  ['[::1]:65535', '::1', 65535],
  ['[2001:DB8::A]:22', '2001:db8::a', 22],
  ['[::ffff:10.0.0.1]:22', '::ffff:10.0.0.1', 22],
  ['_ldap._tcp.example.com:389', '_ldap._tcp.example.com', 389],
  ['xn--bcher-kva.example:443', 'xn--bcher-kva.example', 443],
  ['3com.example:80', '3com.example', 80],
  ['1a:80', '1a', 80],
  // Nobody may register such names, and there are some.
  ['-a.example:80', '-a.example', 80],
  ['a-.example:80', 'a-.example', 80],
])('reads %s', (text, host, port) => {
  expect(parseAuthority(text)).toEqual({ kind: 'tcp', host, port });
});

test('reads a label of 63 octets and a name of 253', () => {
  expect(parseAuthority(`${label63}:80`).host).toBe(label63);
  expect(parseAuthority(`${name253}:80`).host).toBe(name253);
});

test.each([
  ['no port', 'a'],
  ['an empty port', 'a:'],
  ['an IPv6 address without a port', '[::1]'],
  ['nothing', ''],
  ['only a colon', ':'],
  ['port 0', 'a:0'],
  ['a port above 65535', 'a:65536'],
  ['a port that overflows 32 bits to 443', 'a:4294967739'],
  ['a port with leading zeros', 'a:00443'],
  ['a port with a sign', 'a:+443'],
  ['a negative port', 'a:-443'],
  ['a port with a letter', 'a:443x'],
  ['a hexadecimal port', 'a:0x1bb'],
  ['a port with a space', 'a: 443'],
  ['a service name as port', 'a:https'],
  ['a path', '/'],
  ['a URL', 'http://a:80/'],
  ['a URL without a path', 'http://a:80'],
  ['a path after the port', 'a:443/x'],
  ['a query after the port', 'a:443?x'],
  ['a fragment after the port', 'a:443#x'],
  ['IPv6 without brackets', '::1:443'],
  ['an open bracket only', '[::1:443'],
  ['something between bracket and port', '[::1]x:443'],
  ['an IPv4 address in brackets', '[127.0.0.1]:443'],
  ['a name in brackets', '[localhost]:443'],
  ['empty brackets', '[]:443'],
  ['a zone', '[fe80::1%eth0]:443'],
  ['an escaped zone', '[fe80::1%25eth0]:443'],
  ['an empty host', ':443'],
  ['a host of 254 octets', `${name253}x:443`],
  ['a label of 64 octets', `${label63}a:443`],
  ['a leading dot', '.a:443'],
  ['only a dot', '.:443'],
  ['two dots', 'a..b:443'],
  ['two trailing dots', 'a..:443'],
  ['an escaped NUL', 'a%00b:443'],
  ['escaped CR and LF', 'a%0d%0aX:443'],
  ['CR and LF', 'a\r\nX: y:443'],
  ['NUL', 'a\u0000:443'],
  ['a byte above 0x7f', 'a\u0080:443'],
  ['a space', 'a b:443'],
  ['a star', '*:443'],
  ['a comma', 'a,b:443'],
  ['a backslash', 'a\\b:443'],
  ['DEL', 'a\u007f:443'],
  ['a decimal number', '2130706433:443'],
  ['a hexadecimal number', '0x7f000001:443'],
  ['a hexadecimal and a decimal part', '0x7f.1:443'],
  ['two parts', '127.1:443'],
  ['three parts', '127.0.1:443'],
  ['an octal part', '0177.0.0.1:443'],
  ['an octal number', '017700000001:443'],
  ['zero', '0:443'],
  ['five zeros', '00000:443'],
  ['one point one', '1.1:443'],
  ['a part above 255', '256.0.0.1:443'],
  ['five parts', '1.2.3.4.5:443'],
  ['a dotted quad with a trailing dot', '127.0.0.1.:443'],
  ['a number as the last label', 'example.0x7f:443'],
  ['ideographic full stops', '127。0。0。1:443'],
  ['circled digits', '①②⑦.0.0.1:443'],
  ['circled digits as a proxy reads them', Buffer.from('①②⑦.0.0.1:443').toString('latin1')],
  ['escaped circled digits', `${encodeURIComponent('①②⑦')}.0.0.1:443`],
])('refuses %s', (_, text) => {
  expect(() => parseAuthority(text)).toThrow(
    expect.objectContaining({ name: 'TunlError', code: 'http_request_error', side: 'client' }),
  );
});

test('does not repeat a password in what it says', () => {
  expect(() => parseAuthority('alice:hunter2@db:443')).toThrow(
    expect.objectContaining({ code: 'http_request_error', message: expect.not.stringContaining('hunter2') }),
  );
});

const hostName = fc
  .array(fc.stringMatching(/^[a-z_]([a-z0-9_-]{0,20}[a-z0-9_])?$/), { minLength: 1, maxLength: 5 })
  .map((labels) => labels.join('.'));
const host = fc.oneof(hostName, fc.ipV4(), fc.ipV6());
const address = fc.record({ kind: fc.constant('tcp' as const), host, port: fc.integer({ min: 1, max: 65535 }) });

test('reads back every address as it is written', () => {
  fc.assert(
    fc.property(address, (written) => {
      expect(parseAuthority(formatAddress(written))).toEqual({ ...written, host: written.host.toLowerCase() });
    }),
  );
});

test('reads any text or refuses it as a bad request, and what it reads it reads again', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.webAuthority(), fc.string()), (text) => {
      let read;
      try {
        read = parseAuthority(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'http_request_error' });
        return;
      }
      expect(parseAuthority(formatAddress(read))).toEqual(read);
      expect(read.host).toMatch(/^[0-9a-z_.:-]+$/);
    }),
  );
});

test.each([
  ['db:5432', '"db:5432"'],
  ['a"b\\c', '"a?b?c"'],
  ['a\r\nb\u001b[31m', '"a??b?[31m"'],
  ['ü', '"?"'],
])('quotes %j for a message or a header', (text, quoted) => {
  expect(quoteAscii(text)).toBe(quoted);
});

test('cuts what it quotes above 64 characters', () => {
  expect(quoteAscii('x'.repeat(64))).toBe(`"${'x'.repeat(64)}"`);
  expect(quoteAscii('x'.repeat(65))).toBe(`"${'x'.repeat(61)}..."`);
});
