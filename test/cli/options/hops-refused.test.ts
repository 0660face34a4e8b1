import { expect, test } from 'vitest';
import { parseHops } from '../../../src/cli/options/hops.ts';
import { refusalOf } from '../../support/usage.ts';

const refuse = (url: string) => refusalOf(() => parseHops([url], { source: '-x', tls: {}, headers: [] }));

test.each([
  ['', '-x "" has no host'],
  ['proxy', '-x "proxy" has no port'],
  ['http://', '-x "http://" has no host'],
  ['http://:3128', '-x "http://:3128" has no host'],
  ['http://proxy:', '-x "http://proxy:" has no valid port'],
  ['http://proxy:0', '-x "http://proxy:0" has no valid port'],
  ['http://proxy:65536', '-x "http://proxy:65536" has no valid port'],
  ['http://proxy:http', '-x "http://proxy:http" has no valid port'],
  ['http://::1:3128', '-x "http://::1:3128" has no host'],
  ['http://[::1:3128', '-x "http://[::1:3128": "[" is not an IPv6 address'],
  ['http://127.1:80', '-x "http://127.1:80": "127.1" is not a canonical IPv4 address'],
  ['http://0x7f000001:80', '-x "http://0x7f000001:80": "0x7f000001" is not a canonical IPv4 address'],
  ['unix:', '-x "unix:" has no valid port'],
  ['http://unix:', '-x "http://unix:" has no valid port'],
  [
    `unix:/${'x'.repeat(120)}`,
    `-x "unix:/${'x'.repeat(71)}...": "unix:/${'x'.repeat(71)}...": the path has 121 bytes, and a socket's path at most 107`,
  ],
  ['unix:/run/%0a', '-x "unix:/run/%0a" encodes a control character'],
  ['https://unix:/run/p/a@b', '-x "https://***@b" has an @ after the end of its host'],
  ['http://pro xy:80', '-x "http://pro xy:80": "pro xy" is not a host name'],
  ['http://proxy:80/path', '-x "http://proxy:80/path" has a path, which means nothing to a proxy'],
  ['http://proxy:80#x', '-x "http://proxy:80" has a fragment'],
  ['htp://proxy:80', '-x "htp://proxy:80" has an unknown scheme: "htp"'],
  ['://proxy:80', '-x "://proxy:80" has an unknown scheme: ""'],
  ['https://p?cacrt=x', '-x "https://p" has an unknown setting: "cacrt"'],
  ['https://p?cacert', '-x "https://p": the setting cacert needs a value'],
  ['https://p?cacert=', '-x "https://p": the setting cacert is empty'],
  ['https://p?cacert=a&cacert=b', '-x "https://p": the setting cacert is given twice'],
  ['http://p?half-close=soon', '-x "http://p": the setting half-close is "soon"'],
  ['http://p?half-close', '-x "http://p": the setting half-close needs a value'],
  ['http://p?half-close=now&half-close=wait', '-x "http://p": the setting half-close is given twice'],
  ['https://p?key=k.pem', '-x "https://p": key without cert'],
  ['https://p?insecure=yes', '-x "https://p": insecure is "yes"'],
  ['https://p?pin=sha256/short', '-x "https://p": "sha256/short" is not a pin'],
  ['https://p?pin=sha256//AAAA', '-x "https://p": "sha256//AAAA" is not a pin'],
  ['https://p?servername=a~b', '-x "https://p": servername: "a~b" is not a host name'],
  ['http://bü%cher:1', '-x "http://bü%cher:1": "bü%cher" is not a host name'],
  ['http://p:1?cacert=a', '-x "http://p:1": the setting cacert needs TLS, and http:// has none'],
  ['http://p:1?header=x', '-x "http://p:1": a header without a name'],
  ['http://p:1?header=X%20Y:1', '-x "http://p:1": "X Y" is not the name of a header'],
  ['http://p:1?header=Host:a%20b', '-x "http://p:1": the value of Host is not a host'],
  ['http://p:1?header=Transfer-Encoding:x', '-x "http://p:1": Transfer-Encoding is set by tunl itself'],
  ['https://p?alpn=h3', '-x "https://p": alpn is "h3"'],
  ['http://p:1?alpn=h2', '-x "http://p:1": the setting alpn needs TLS, and http:// has none'],
  ['http://p:1?header=Content-Length:5', '-x "http://p:1": Content-Length is set by tunl itself'],
  ['http://p:1?header=X:a%0d%0aY:%20b', '-x "http://p:1" encodes a control character'],
  ['http://p%0d%0a:1', '-x "http://p%0d%0a:1": "p%0d%0a" is not a host name'],
  ['http://@p:1', '-x "http://***@p:1" has an empty user name'],
  ['http://us%3Aer:x@p:1', '-x "http://***@p:1" has a user name with a colon, which Basic cannot carry'],
  ['http://a:b%0d%0aX@p:1', '-x "http://***@p:1" encodes a control character'],
  ['http://a:b%00@p:1', '-x "http://***@p:1" encodes a control character'],
  ['http://a:%zz@p:1', '-x "http://***@p:1" has a broken percent-encoding'],
  ['http://a:\ufffd@p:1', '-x "http://***@p:1" holds bytes that are not UTF-8'],
  ['http://alice:p@ss/w@p:1', '-x "http://***@p:1" has an @ after the end of its host'],
  ['http://alice:12?x=y@p:1', '-x "http://***@p:1" has an unknown setting, and an @ after it'],
  ['http://a:x@p:1?header=Proxy-Authorization:y', '-x "http://***@p:1" has a user and a Proxy-Authorization header'],
])('refuses %j', (url, message) => {
  expect(refuse(url).message).toBe(message);
});

test.each([
  ['htp://proxy:80', 'did you mean http://?'],
  ['htpps://proxy', 'did you mean https://?'],
  ['https://p?cacrt=x', 'did you mean cacert?'],
  ['https://p?server-name=x', 'did you mean servername?'],
])('knows what %s was meant to be', (url, hint) => {
  expect(refuse(url).hints[0]).toBe(hint);
});

test.each(['http://alice:s/ecret@p:1', 'http://alice:s@ec/ret@p:1', 'alice:s?ecret@p:1', 'http://alice:s#ecret@p:1/'])(
  'shows how a password is written to somebody who wrote %s',
  (url) => {
    expect(refuse(url).hints).toEqual([
      'write http://USER:PASSWORD@p:1',
      'in a user name or password write / ? # @ : | % as %2F %3F %23 %40 %3A %7C %25',
    ]);
  },
);

test.each(['unix:///run/p.sock', 'http+unix://%2Frun%2Fp.sock'])(
  'shows how a socket is written to who wrote %s',
  (url) => {
    expect(refuse(url).hints).toContain(
      'a proxy on a Unix socket is unix:/run/proxy.sock, or http://unix:/run/proxy.sock',
    );
  },
);

test('lists the schemes of the registry to somebody who wrote another', () => {
  expect(refuse('gopher://p').hints).toEqual([expect.stringMatching(/^known schemes: .*http:\/\/.*https:\/\//)]);
});

// The answer never repeats a part that may be a password, whatever is wrong with the URL.
test.each([
  'http://alice:hunter2@',
  'http://alice:hunter2@:80',
  'http://alice:hunter2@p:x',
  'http://alice:hunter2@p:80/path',
  'http://alice:hunter2@p:80#x',
  'htp://alice:hunter2@p:80',
  'alice:hunter2@p',
  'http://alice:hunter2/x@p:80',
  'http://alice:x/hunter2@p:80',
  'http://alice:x?hunter2@p:80',
  'http://alice:x#hunter2@p:80',
  'http://alice:x@y/hunter2@p:80',
  'http://alice:hunter2@x/y@p:80',
  'http://alice:1?hunter2=1@p:80',
  'http://alice:hunter2%zz@p:80',
  'http://alice:hunter2@x@p:80/path',
  'https://p?header=Proxy-Authorization%3A%20hunter2%0a',
  'https://p?header=Host:hunter2/',
  'https://p?header=hunter2%20:x&header=hunter2',
])('keeps what may be a secret of %s to itself', (url) => {
  const { message, hints } = refuse(url);
  // The last row names a header by its name, which is no secret.
  expect(`${message} ${hints.join(' ')}`.replace('"hunter2 " is not the name', '')).not.toContain('hunter2');
});
