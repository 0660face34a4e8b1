import { describe, expect, test } from 'vitest';
import type { Address } from '../../../src/core/address.ts';
import { formatProxyHeader, type ProxyFacts } from '../../../src/http/server/proxy-protocol.ts';

const tcp = (host: string, port: number): Address => ({ kind: 'tcp', host, port });
const facts = (source?: Address, destination?: Address, identity?: string): ProxyFacts => ({
  source,
  destination,
  identity,
});

const signature = '0d0a0d0a000d0a515549540a';
const id = 'spiffe://cluster.local/ns/shop/sa/cart';
const hex = (text: string) => Buffer.from(text).toString('hex');

describe('version 1 is a line', () => {
  test.each<[string, ProxyFacts, string]>([
    ['of IPv4', facts(tcp('192.0.2.1', 40000), tcp('10.0.0.1', 80)), 'TCP4 192.0.2.1 10.0.0.1 40000 80'],
    ['of IPv6', facts(tcp('2001:db8::1', 40000), tcp('::1', 80)), 'TCP6 2001:db8::1 ::1 40000 80'],
    ['of both', facts(tcp('192.0.2.1', 40000), tcp('::1', 80)), 'TCP6 ::ffff:192.0.2.1 ::1 40000 80'],
    ['of a mapped address', facts(tcp('::ffff:192.0.2.1', 1), tcp('10.0.0.1', 80)), 'TCP4 192.0.2.1 10.0.0.1 1 80'],
    ['of a name, which is none', facts(tcp('192.0.2.1', 40000), tcp('db', 80)), 'UNKNOWN'],
    ['of a client without an address', facts(undefined, tcp('10.0.0.1', 80)), 'UNKNOWN'],
    ['of a Unix socket', facts({ kind: 'unix', path: '/run/a' }, tcp('10.0.0.1', 80)), 'UNKNOWN'],
    ['without room for an identity', facts(undefined, undefined, id), 'UNKNOWN'],
  ])('%s', (_, given, line) => {
    expect(formatProxyHeader('v1', given).toString('latin1')).toBe(`PROXY ${line}\r\n`);
  });
});

describe('version 2 is binary', () => {
  test.each<[string, ProxyFacts, string]>([
    [
      'IPv4',
      facts(tcp('192.0.2.1', 40000), tcp('10.0.0.1', 80)),
      '2111000c' + 'c0000201' + '0a000001' + '9c40' + '0050',
    ],
    [
      'IPv6',
      facts(tcp('2001:db8::1', 40000), tcp('::1', 80)),
      '21210024' + '20010db8000000000000000000000001' + '00000000000000000000000000000001' + '9c40' + '0050',
    ],
    [
      'both, as IPv6',
      facts(tcp('192.0.2.1', 40000), tcp('::1', 80)),
      '21210024' + '00000000000000000000ffffc0000201' + '00000000000000000000000000000001' + '9c40' + '0050',
    ],
    ['unknown ends', facts(undefined, tcp('10.0.0.1', 80)), '21000000'],
    [
      'an identity behind the ends',
      facts(tcp('192.0.2.1', 40000), tcp('10.0.0.1', 80), id),
      '21110035' + 'c0000201' + '0a000001' + '9c40' + '0050' + 'd00026' + hex(id),
    ],
    ['an identity without ends', facts(undefined, undefined, id), '21000029' + 'd00026' + hex(id)],
    ['an identity that is no SPIFFE id: not told', facts(undefined, undefined, 'CN=alice'), '21000000'],
    [
      'an identity of any length: not told',
      facts(undefined, undefined, `spiffe://cluster.local/ns/a/sa/${'b'.repeat(70_000)}`),
      '21000000',
    ],
  ])('%s', (_, given, body) => {
    expect(formatProxyHeader('v2', given).toString('hex')).toBe(signature + body);
  });
});
