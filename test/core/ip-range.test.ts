import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstAddress, formatIp, isInRange, parseRange, toBytes } from '../../src/core/ip.ts';

test('reads every spelling of an IPv6 address as the URL standard does', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const bytes = toBytes(address)!;
      // An IPv4-mapped address is read as IPv4, and written so.
      fc.pre(bytes.length === 16);
      expect(formatIp(bytes)).toBe(new URL(`http://[${address}]`).hostname.slice(1, -1));
    }),
  );
});

test('reads IPv4 addresses', () => {
  fc.assert(fc.property(fc.ipV4(), (address) => formatIp(toBytes(address)!) === address));
});

test.each(['::ffff:10.1.2.3', '::FFFF:a01:203', '0:0:0:0:0:ffff:10.1.2.3', '0000::ffff:0a01:0203'])(
  'takes the mapped address %s for IPv4',
  (address) => expect(toBytes(address)).toEqual([10, 1, 2, 3]),
);

test.each([
  'localhost',
  '',
  '127.1',
  '0177.0.0.1',
  '2130706433',
  '0x7f.0.0.1',
  '1.2.3.4 ',
  'fe80::1%eth0',
  '[::1]',
  ':::1',
])('takes %j for no address', (text) => expect(toBytes(text)).toBeUndefined());

test.each([
  ['10.0.0.0/8', '10.255.255.255', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.128.0.0/9', '10.127.255.255', false],
  ['192.168.1.4/30', '192.168.1.7', true],
  ['192.168.1.4/30', '192.168.1.8', false],
  ['1.2.3.4', '1.2.3.4', true],
  ['1.2.3.4', '1.2.3.5', false],
  ['0.0.0.0/0', '255.255.255.255', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['::/0', '1.2.3.4', false],
  ['::/0', 'ffff::1', true],
  ['2001:db8::/33', '2001:db8:7fff::1', true],
  ['2001:db8::/33', '2001:db8:8000::1', false],
  ['::ffff:10.0.0.0/104', '10.9.9.9', true],
  ['::ffff:10.0.0.0/104', '11.9.9.9', false],
])('range %s, address %s: %s', (range, address, isIn) => {
  expect(isInRange(toBytes(address)!, parseRange(range)!)).toBe(isIn);
});

test.each([
  '10.0.0.0/33',
  '::/129',
  '10.0.0.0/',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '10/8',
  '::ffff:10.0.0.0/95',
  'a/8',
])('takes %j for no range', (text) => expect(parseRange(text)).toBeUndefined());

test('finds the first address of a range', () => {
  expect(formatIp(firstAddress(parseRange('192.168.77.130/18')!))).toBe('192.168.64.0');
  expect(formatIp(firstAddress(parseRange('2001:db8:ffff::1/36')!))).toBe('2001:db8:f000::');
});
