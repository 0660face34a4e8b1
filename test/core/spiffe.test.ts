import { expect, test } from 'vitest';
import { parseSpiffeId } from '../../src/core/spiffe.ts';

test('reads an id of a service account', () => {
  const text = 'spiffe://cluster.local/ns/shop-1/sa/cart_v2.x';
  expect(parseSpiffeId(text)).toEqual({ trustDomain: 'cluster.local', text });
});

test.each([
  ['another scheme', 'https://cluster.local/ns/a/sa/b'],
  ['no trust domain', 'spiffe:///ns/a/sa/b'],
  ['upper case in the trust domain', 'spiffe://Cluster.local/ns/a/sa/b'],
  ['a port', 'spiffe://cluster.local:443/ns/a/sa/b'],
  ['a user', 'spiffe://u@cluster.local/ns/a/sa/b'],
  ['other words', 'spiffe://cluster.local/namespace/a/sa/b'],
  ['too few parts', 'spiffe://cluster.local/ns/a'],
  ['too many parts', 'spiffe://cluster.local/ns/a/sa/b/c'],
  ['an empty part', 'spiffe://cluster.local/ns//sa/b'],
  ['a slash at its end', 'spiffe://cluster.local/ns/a/sa/b/'],
  ['a part that leads up', 'spiffe://cluster.local/ns/../sa/b'],
  ['a part that stays', 'spiffe://cluster.local/ns/a/sa/.'],
  ['an encoded byte', 'spiffe://cluster.local/ns/a%2fb/sa/b'],
  ['a query', 'spiffe://cluster.local/ns/a/sa/b?c'],
  ['a line end', 'spiffe://cluster.local/ns/a/sa/b\n'],
  ['more bytes than an id may have', `spiffe://cluster.local/ns/a/sa/${'b'.repeat(2048)}`],
  ['nothing', ''],
])('does not take %s', (_, text) => {
  expect(parseSpiffeId(text)).toBeUndefined();
});
