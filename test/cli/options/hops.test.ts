import { expect, test } from 'vitest';
import { parseHops } from '../../../src/cli/options/hops.ts';
import { hostOf } from '../../../src/core/address.ts';
import { formatHop } from '../../../src/core/hop.ts';
import { splitAlternatives } from '../../../src/syntax/hop.ts';

const none = { source: '-x', tls: {}, headers: [] };

const parse = (url: string, fallbacks: Parameters<typeof parseHops>[1] = none) =>
  parseHops([url], fallbacks)[0] ?? expect.fail('no hop');

test.each([
  ['http://proxy', 'http', 'proxy', 80],
  ['http://proxy:3128', 'http', 'proxy', 3128],
  ['http://proxy:3128/', 'http', 'proxy', 3128],
  ['HTTP://Proxy.Corp.:3128', 'http', 'proxy.corp', 3128],
  ['https://edge', 'https', 'edge', 443],
  ['https://[2001:db8::1]', 'https', '2001:db8::1', 443],
  ['https://[2001:db8::1]:8443', 'https', '2001:db8::1', 8443],
  ['http://192.0.2.7:8080', 'http', '192.0.2.7', 8080],
  ['proxy:3128', 'http', 'proxy', 3128],
  ['[::1]:3128', 'http', '::1', 3128],
  ['https://-proxy-.example', 'https', '-proxy-.example', 443],
  ['https://bücher.example', 'https', 'xn--bcher-kva.example', 443],
  ['user:pass@proxy:3128', 'http', 'proxy', 3128],
])('reads %s', (url, scheme, host, port) => {
  expect(parse(url)).toMatchObject({ scheme, address: { kind: 'tcp', host, port } });
});

test.each([
  ['unix:/run/proxy.sock', 'http', '/run/proxy.sock'],
  ['unix:./a@b:c', 'http', './a@b:c'],
  ['unix:/run/a%20b', 'http', '/run/a b'],
  ['unix:proxy.sock', 'http', 'proxy.sock'],
  ['http://unix:/run/proxy.sock', 'http', '/run/proxy.sock'],
  ['http://unix:%2Frun%2Fproxy.sock', 'http', '/run/proxy.sock'],
  ['HTTP://Unix:proxy.sock', 'http', 'proxy.sock'],
  ['h2c://unix:/run/a%40b?window=65536', 'h2c', '/run/a@b'],
  ['https://alice:pw@unix:/run/proxy.sock?servername=p.example', 'https', '/run/proxy.sock'],
])('reads %s as a proxy on a socket', (url, scheme, path) => {
  expect(parse(url)).toMatchObject({ scheme, address: { kind: 'unix', path } });
});

test('a user may be named unix', () => {
  const { address, credentials } = parse('unix:s3cret@p:1');
  expect([address, credentials?.user]).toEqual([{ kind: 'tcp', host: 'p', port: 1 }, 'unix']);
});

test('a host may be named unix, and has a port then', () => {
  expect(parse('http://unix:3128').address).toEqual({ kind: 'tcp', host: 'unix', port: 3128 });
  expect(parse('unix:3128').address).toEqual({ kind: 'tcp', host: 'unix', port: 3128 });
  expect(parse('http://unix').address).toEqual({ kind: 'tcp', host: 'unix', port: 80 });
});

test('a hop on a socket is written as it can be read again', () => {
  for (const path of ['/run/proxy.sock', "/run/a@b|c%d?e#f $'g", './ö']) {
    const hop = { ...parse('h2c://p'), address: { kind: 'unix', path } as const };
    expect(splitAlternatives(formatHop(hop), '-x').map((url) => parse(url).address)).toEqual([hop.address]);
  }
  expect(formatHop(parse('unix:/run/proxy.sock'))).toBe('http://unix:/run/proxy.sock');
});

test('a name of the abstract namespace is written so that it can be read again', () => {
  const hop = { ...parse('h2c://p'), address: { kind: 'unix', path: '\0name' } as const };
  expect(formatHop(hop)).toBe('h2c://unix:%40name');
  // If this Node cannot connect to such a name, the message shows the name itself and not its encoded form.
  for (const url of ['unix:@name', formatHop(hop)]) {
    const read = (): unknown => {
      try {
        return parse(url).address;
      } catch (error) {
        return (error as Error).message;
      }
    };
    const reason = /unix:@name (?:needs Node 22|is no file)/;
    expect(read()).toSatisfy((seen: unknown) =>
      typeof seen === 'string' ? reason.test(seen) : (seen as { path?: string }).path === '\0name',
    );
  }
});

test('settings and users of a proxy on a socket are its own', () => {
  expect(parse('https://alice:pw@unix:/run/p?servername=p.example&header=X:1')).toMatchObject({
    credentials: { user: 'alice' },
    tls: { servername: 'p.example' },
    headers: [['X', '1']],
  });
  expect(parse('alice@unix:/run/p').open).toMatchObject({ user: 'alice', place: 'unix:/run/p', host: 'unix:/run/p' });
});

test.each([
  ['http://alice:secret@p:1', 'alice', 'secret'],
  ['http://alice:@p:1', 'alice', ''],
  ['http://al%40ice:se%3Acr%2Fet@p:1', 'al@ice', 'se:cr/et'],
  ['http://alice:a:b@p:1', 'alice', 'a:b'],
  ['http://alice:a@b@p:1', 'alice', 'a@b'],
  ['http://alice:1+1%2B1@p:1', 'alice', '1+1+1'],
  ['http://j%C3%B6rg:gr%C3%BC%C3%9F@p:1', 'jörg', 'grüß'],
  ['http://jörg:grüß@p:1', 'jörg', 'grüß'],
  ['http://j%F6rg:%C3%B6%F6@p:1', 'j\udcf6rg', 'ö\udcf6'],
])('percent-decodes the user information of %s', (url, user, password) => {
  const { credentials } = parse(url);
  expect([credentials?.user, credentials?.password.reveal()]).toEqual([user, password]);
});

test('keeps the order of several hops', () => {
  const hops = parseHops(['http://a:1', 'https://b:2', 'c:3'], none);
  expect(hops.map(({ address }) => hostOf(address))).toEqual(['a', 'b', 'c']);
});

test('reads the settings of one hop from its query, with + as it is', () => {
  const pin = `sha256/${'A'.repeat(42)}-`;
  const hop = parse(
    `https://p?cacert=/etc/a+b%20c.pem&cert=c.pem&key=k.pem&servername=Front.example&pin=${pin}&insecure`,
  );
  expect(hop.tls).toEqual({
    cacert: '/etc/a+b c.pem',
    cert: 'c.pem',
    key: 'k.pem',
    servername: 'front.example',
    pin,
    insecure: true,
  });
});

test('a name to verify may have letters beyond ASCII', () => {
  expect(parse('https://p?servername=bücher.example').tls).toEqual({ servername: 'xn--bcher-kva.example' });
});

test("reads a pin in curl's form, whose base64 may hold + and /", () => {
  const digest = `+/${'A'.repeat(41)}`;
  expect(parse(`https://p?pin=sha256//${digest}=`).tls).toEqual({ pin: `sha256/-_${'A'.repeat(41)}` });
});

test('reads the one protocol to offer, with its slash as it is, and takes that of the flags where it has none', () => {
  const fallbacks = { ...none, tls: { alpn: 'http/1.1' } };
  expect(parse('https://p?alpn=http/1.1').tls).toEqual({ alpn: 'http/1.1' });
  expect(parse('https://p', fallbacks).tls).toEqual({ alpn: 'http/1.1' });
  expect(parse('https://p?alpn=h2', fallbacks).tls).toEqual({ alpn: 'h2' });
  expect(parse('http://p:1', fallbacks).tls).toEqual({});
});

test('reads a Host for the proxy', () => {
  expect(parse('http://p:1?header=Host:proxy.corp:8080').headers).toEqual([['Host', 'proxy.corp:8080']]);
});

test('takes the key from the file of the certificate when it is not named', () => {
  expect(parse('https://p?cert=both.pem').tls).toEqual({ cert: 'both.pem', key: 'both.pem' });
});

test('repeats headers, and percent-decodes them', () => {
  expect(parse('http://p:1?header=X-A:%201&header=X-B:2%263').headers).toEqual([
    ['X-A', '1'],
    ['X-B', '2&3'],
  ]);
});

test('lets a hop override what the flags say, setting by setting', () => {
  const flags = {
    source: '-x',
    tls: { cacert: 'flag.pem', servername: 'flag.example', insecure: true as const },
    headers: [],
  };
  expect(parse('https://p?cacert=own.pem&insecure=false', flags).tls).toEqual({
    cacert: 'own.pem',
    servername: 'flag.example',
    insecure: false,
  });
});

test('never joins the certificate of a hop to the key of the flags', () => {
  const flags = { source: '-x', tls: { cert: 'flag.pem', key: 'flag.key' }, headers: [] };
  expect(parse('https://p', flags).tls).toEqual({ cert: 'flag.pem', key: 'flag.key' });
  expect(parse('https://p?cert=own.pem', flags).tls).toEqual({ cert: 'own.pem', key: 'own.pem' });
});

test('gives the headers of the flags to each hop that has none of its own', () => {
  const flags = { source: '-x', tls: {}, headers: [['X-Flag', '1']] as const };
  expect(parse('http://p:1', flags).headers).toEqual([['X-Flag', '1']]);
  expect(parse('http://p:1?header=X-Own:2', flags).headers).toEqual([['X-Own', '2']]);
});

test('keeps the flags of TLS away from a hop without TLS', () => {
  expect(parse('http://p:1', { source: '-x', tls: { cacert: 'flag.pem', insecure: true }, headers: [] }).tls).toEqual(
    {},
  );
});

test('when our end goes out is what a hop says, else what the flag says, else nothing', () => {
  const flags = { ...none, halfClose: 'never' } as const;
  expect(parse('http://p:1?half-close=wait', flags).halfClose).toBe('wait');
  expect(parse('post+h2c://p:1?half-close=now').halfClose).toBe('now');
  expect(parse('http://p:1', flags).halfClose).toBe('never');
  expect(parse('http://p:1')).not.toHaveProperty('halfClose');
});
