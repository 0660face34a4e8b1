import { expect, test } from 'vitest';
import { toBytes } from '../../src/core/ip.ts';
import { isSpecial, isSpecialName } from '../../src/policy/special.ts';

const isSpecialText = (address: string) => isSpecial(toBytes(address)!);

test.each([
  ['loopback', ['127.0.0.1', '127.1.2.3', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1']],
  ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
  ['private', ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fd12:3456::1']],
  ['carrier-grade NAT', ['100.64.0.0', '100.127.255.255']],
  ['link-local', ['169.254.0.1', 'fe80::1', 'febf::1']],
  ['site-local', ['fec0::1']],
  ['metadata', ['169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '168.63.129.16', '192.0.0.192']],
  ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1']],
  [
    'reserved',
    ['240.0.0.1', '255.255.255.255', '192.88.99.1', '100::1', '5f00::1', '4000::1', '2001:2::1', '2001:20::1'],
  ],
  ['benchmarks', ['198.18.0.1', '198.19.255.255']],
  ['documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
])('%s addresses are special', (_kind, addresses) => {
  expect(addresses.filter((address) => !isSpecialText(address))).toEqual([]);
});

test.each([
  ['IPv4-mapped', ['::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:7f00:1', '0::ffff:7f00:1', '::ffff:a9fe:a9fe']],
  ['IPv4-compatible', ['::127.0.0.1', '::10.0.0.1', '::2']],
  ['IPv4-translated', ['::ffff:0:7f00:1', '::ffff:0:192.168.0.1']],
  ['NAT64', ['64:ff9b::7f00:1', '64:ff9b::169.254.169.254']],
  ['6to4', ['2002:7f00:1::', '2002:a00:1::1', '2002:c0a8:101:5:6:7:8:9']],
  ['Teredo with such a client', ['2001:0:808:808:0:0:80ff:fffe', '2001:0:808:808:8000:f227:f5ff:fffe']],
  ['Teredo with such a server', ['2001:0:a00:1:0:0:f7f7:f7f7']],
])('%s forms of special IPv4 addresses are special', (_form, addresses) => {
  expect(addresses.filter((address) => !isSpecialText(address))).toEqual([]);
});

test.each(['64:ff9b:1::7f00:1', '64:ff9b:1::8.8.8.8', '64:ff9b:1:808:8:808:808:808'])(
  'network-local NAT64 is special whatever it leads to: %s',
  (address) => expect(isSpecialText(address)).toBe(true),
);

test.each([
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.1',
  '168.63.129.15',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.1',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450::1',
  '2001:200::1',
  '2001:4860:4860::8888',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
  '2001:0:808:808:0:0:f7f7:f7f7',
])('%s is not special', (address) => expect(isSpecialText(address)).toBe(false));

test('knows the names that mean special addresses everywhere', () => {
  for (const name of ['localhost', 'db.localhost', 'ip6-localhost', 'metadata.google.internal', 'metadata.goog']) {
    expect([name, isSpecialName(name)]).toEqual([name, true]);
  }
  for (const name of ['localhost.example.com', 'notlocalhost', 'metadata.example.com', 'example.com']) {
    expect([name, isSpecialName(name)]).toEqual([name, false]);
  }
});
