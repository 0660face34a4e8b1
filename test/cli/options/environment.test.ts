import { describe, expect, test } from 'vitest';
import { decideProxy } from '../../../src/cli/options/environment.ts';
import { hostOf } from '../../../src/core/address.ts';
import { parseHops } from '../../../src/cli/options/hops.ts';
import { parseTarget } from '../../../src/syntax/target.ts';
import { refusalOf } from '../../support/usage.ts';
import { additions, describeRow, fillRow, likeCurl, ours, type Row, type Way } from './environment-table.ts';

const proxies = { one: '192.0.2.1:3128', two: '192.0.2.2:3128' };
const hosts = new Map<string, Way>([
  ['192.0.2.1', 'one'],
  ['192.0.2.2', 'two'],
]);

function decide(row: Row): Way | undefined {
  const { proxy } = decideProxy(fillRow(row, proxies), parseTarget(row.target));
  if (proxy === undefined) return 'direct';
  const [hop] = parseHops([proxy.url], { source: proxy.variable, tls: {}, headers: [] });
  expect(hop?.address).toMatchObject({ port: 3128 });
  return hosts.get((hop && hostOf(hop.address)) ?? '');
}

const named = (rows: readonly Row[]) => rows.map((row) => [describeRow(row), row] as const);

describe('as curl does', () => {
  test.each(named(likeCurl))('%s', (_name, row) => {
    expect(decide(row)).toBe(row.way);
  });
});

describe('more than curl', () => {
  test.each(named([...additions, ...ours]))('%s', (_name, row) => {
    expect(decide(row)).toBe(row.way);
  });
});

const db = parseTarget('db.corp:22');

test.each([
  [{}, 'db.corp:22: no proxy, as no proxy variable is set'],
  [{ HTTPS_PROXY: 'http://me:s3cret@p:1/?cert=x' }, 'db.corp:22: HTTPS_PROXY says http://***@p:1'],
  [{ all_proxy: 'p:1', NO_PROXY: 'a,.corp' }, 'db.corp:22: no proxy, as NO_PROXY has ".corp"'],
  [{ https_proxy: 'pac+http://wpad/proxy.pac?v=1' }, 'db.corp:22: https_proxy says pac+http://wpad/proxy.pac'],
  [{ http_proxy: 'p:1', no_proxy: '*' }, 'db.corp:22: no proxy, as no_proxy has "*"'],
])('names the rule that decides in %j', (env, reason) => {
  expect(decideProxy(env, db)).toMatchObject({ reason, ignored: [] });
});

test.each([
  ['a,*', '"*" is ignored: * means every target only where it is the whole list'],
  ['*corp', '"*corp" is ignored: a star stands for whole parts: *.example.com, 10.*'],
  ['10.*.2', '"10.*.2" is ignored: a star stands for whole parts: *.example.com, 10.*'],
  ['256.*', '"256.*" is ignored: a range is written as 10.0.0.0/8 or fd00::/8'],
  ['http://me:s3cret@a', '"http://***@a" is ignored: an entry is a name or an address, not a URL'],
  ['http://a', '"http://a" is ignored: an entry is a name or an address, not a URL'],
  ['10.0.0.0/33', '"10.0.0.0/33" is ignored: the number after / is at most 32'],
  ['10.0.0.0/', '"10.0.0.0/" is ignored: the number after / is at most 32'],
  ['fd00::/129', '"fd00::/129" is ignored: the number after / is at most 128'],
  ['a/8', '"a/8" is ignored: a range is written as 10.0.0.0/8 or fd00::/8'],
  ['10.0.0.0/8/8', '"10.0.0.0/8/8" is ignored: a range is written as 10.0.0.0/8 or fd00::/8'],
  ['10.1.', '"10.1." is ignored: it is not a complete address; a range is written as 10.0.0.0/8'],
  ['[a]', '"[a]" is ignored: it is neither a name nor an address'],
  ['<-loopback>', '"<-loopback>" is ignored: it is neither a name nor an address'],
  ['a:0', '"a:0" is ignored: a port is a number from 1 to 65535'],
  ['a:65536', '"a:65536" is ignored: a port is a number from 1 to 65535'],
  ['a:http', '"a:http" is ignored: a port is a number from 1 to 65535'],
  [':22', '":22" is ignored: it is neither a name nor an address'],
  ['a..b', '"a..b" is ignored: it is neither a name nor an address'],
  ['grüß\u200d.corp', '"grüß\u200d.corp" is ignored: it is neither a name nor an address'],
])('ignores %s in NO_PROXY, says why, and reads on', (entry, why) => {
  const { ignored, reason } = decideProxy({ https_proxy: 'p:1', NO_PROXY: `${entry},corp` }, db);
  expect(ignored).toEqual([`NO_PROXY: ${why}`]);
  expect(reason).toBe('db.corp:22: no proxy, as NO_PROXY has "corp"');
});

test('a proxy without a port has the default port of its scheme', () => {
  const portOf = (https_proxy: string) => {
    const url = decideProxy({ https_proxy }, db).proxy?.url ?? '';
    const [hop] = parseHops([url], { source: 'https_proxy', tls: {}, headers: [] });
    const address = hop?.address as { port: number } | undefined;
    return address?.port;
  };
  expect([portOf('proxy'), portOf('http://proxy'), portOf('https://proxy')]).toEqual([80, 80, 443]);
});

test.each(['unix:/run/proxy.sock', 'http://unix:/run/proxy.sock', 'http://unix:%2Frun%2Fproxy.sock'])(
  'a proxy in a variable may be on a socket: %s',
  (https_proxy) => {
    const url = decideProxy({ https_proxy }, db).proxy?.url ?? '';
    const [hop] = parseHops([url], { source: 'https_proxy', tls: {}, headers: [] });
    expect(hop?.address).toEqual({ kind: 'unix', path: '/run/proxy.sock' });
  },
);

test('a proxy in a variable may have settings, as in -x', () => {
  const { proxy } = decideProxy({ https_proxy: 'https://p:1/path?insecure' }, db);
  expect(proxy).toEqual({ variable: 'https_proxy', url: 'https://p:1?insecure' });
});

test.each([
  ['ftp://me:s3cret@p:1', 'https_proxy "ftp://***@p:1" has an unknown scheme: "ftp"'],
  ['http://me:s3/cret@p:1', 'https_proxy "http://***@p:1" has an @ after the end of its host'],
  ['http://p:one', 'https_proxy "http://p:one" has no valid port'],
  ['http://p:1\r\nX: y', 'https_proxy holds a control character'],
])('refuses %j by the name of its variable', (https_proxy, message) => {
  const parse = () =>
    parseHops([decideProxy({ https_proxy }, db).proxy?.url ?? ''], { source: 'https_proxy', tls: {}, headers: [] });
  expect(refusalOf(parse).message).toBe(message);
});

test.each(['bücher.corp', '.Bücher.corp', 'xn--bcher-kva.corp', 'corp', 'bu\u0308cher.corp'])(
  'a name in NO_PROXY is the same in letters of its language and in ASCII: %s',
  (NO_PROXY) => {
    for (const target of ['bücher.corp:22', 'xn--bcher-kva.corp:22', 'db.BÜCHER.corp:22']) {
      expect(decideProxy({ https_proxy: 'p:1', NO_PROXY }, parseTarget(target)).proxy).toBeUndefined();
    }
    expect(decideProxy({ https_proxy: 'p:1', NO_PROXY: 'bücher.corp' }, db).proxy).toBeDefined();
  },
);

test.each(['-db-.corp', 'db~1.corp'])('a name in NO_PROXY may be one that only the proxy knows: %s', (name) => {
  expect(decideProxy({ https_proxy: 'p:1', NO_PROXY: name }, parseTarget(`${name}:22`)).proxy).toBeUndefined();
});
