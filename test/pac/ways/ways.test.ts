import { expect, test } from 'vitest';
import { BadWays } from '../../../src/pac/ways/bad-ways.ts';
import { formatWay, parseResult } from '../../../src/pac/ways/result.ts';

test.each([
  ['PROXY a:8080', ['http://a:8080']],
  ['PROXY a:8080; DIRECT', ['http://a:8080', 'direct']],
  ['PROXY a:8080;PROXY b:8081 ;  DIRECT;', ['http://a:8080', 'http://b:8081', 'direct']],
  ['proxy A.Corp:8080; direct', ['http://a.corp:8080', 'direct']],
  ['HTTP a:1; HTTPS b:2', ['http://a:1', 'https://b:2']],
  ['PROXY a; HTTPS b', ['http://a:80', 'https://b:443']],
  ['PROXY [::1]:3128', ['http://[::1]:3128']],
  ['PROXY 10.0.0.1:3128', ['http://10.0.0.1:3128']],
  ['PROXY\ta:1', ['http://a:1']],
  ['SOCKS a:1; SOCKS4 b:2; SOCKS5 c:3', ['socks4://a:1', 'socks4://b:2', 'socks5h://c:3']],
  ['QUIC a:443; PROXY b:1', ['http://b:1']],
  ['QUIC a:443', ['direct']],
  ['', ['direct']],
  [' ; ;', ['direct']],
  ['PROXY', ['direct']],
  ['PROXY a:0; PROXY a:70000; PROXY a:x; PROXY b:1', ['http://b:1']],
  ['PROXY me:pw@a:1; PROXY a/b:1; DIRECT', ['direct']],
  ['PROXY a:1 b:2; DIRECT', ['direct']],
  ['DIRECT a:1', ['direct']],
  ['constructor a:1; __proto__ b:1; PROXY c:1', ['http://c:1']],
  ['http://a:1', ['direct']],
])('%j means %j', (result, ways) => {
  expect(parseResult(result).map(formatWay)).toEqual(ways);
});

test('reads no more than 64 ways', () => {
  expect(parseResult('PROXY a:1;'.repeat(1000))).toHaveLength(64);
});

const key = (way: string) => way;

test('ways that failed come last for five minutes, in their order', () => {
  let now = 0;
  const bad = new BadWays(() => now);
  bad.learn(['a', 'b'], 'd');
  expect(bad.sort(['a', 'b', 'c', 'd'], key)).toEqual(['c', 'd', 'a', 'b']);
  now = 299_999;
  expect(bad.sort(['a', 'c'], key)).toEqual(['c', 'a']);
  now = 300_001;
  expect(bad.sort(['a', 'c'], key)).toEqual(['a', 'c']);
});

test('a way that works again is no longer bad', () => {
  const bad = new BadWays(() => 0);
  bad.learn(['a'], 'b');
  bad.learn(['b'], 'a');
  expect(bad.sort(['b', 'a'], key)).toEqual(['a', 'b']);
});
