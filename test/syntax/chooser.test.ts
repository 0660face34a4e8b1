import { expect, test } from 'vitest';
import { schemes } from '../../src/carriers/index.ts';
import { formatHop } from '../../src/core/hop.ts';
import { parseHop } from '../../src/syntax/hop.ts';
import { refusalOf } from '../support/usage.ts';

const parse = (text: string) => parseHop(text, { source: '-x', tls: {}, headers: [] }, schemes);

test.each([
  ['pac+http://wpad.corp/proxy.pac', 'http://wpad.corp/proxy.pac', 'pac+http://wpad.corp/proxy.pac'],
  ['PAC+HTTPS://WPAD.corp:8443/p', 'https://wpad.corp:8443/p', 'pac+https://wpad.corp:8443/p'],
  ['pac+http://wpad', 'http://wpad/', 'pac+http://wpad/'],
  ['pac+http://[::1]:8080/p?v=1&w', 'http://[::1]:8080/p?v=1&w', 'pac+http://[::1]:8080/p'],
  ['pac+file:///etc/proxy.pac', 'file:///etc/proxy.pac', 'pac+file:///etc/proxy.pac'],
  ['pac+http://wpad/p?trust=*.corp&v=1', 'http://wpad/p?v=1', 'pac+http://wpad/p'],
  ['pac+http://wpad/p?%74rust=1', 'http://wpad/p?%74rust=1', 'pac+http://wpad/p'],
])('%s is read from %s', (text, url, name) => {
  const hop = parse(text);
  expect(hop.chooser).toEqual({ kind: 'pac', name, url });
  expect(formatHop(hop)).toBe(name);
});

test('settings are those of the proxies that will be named', () => {
  const text =
    'pac+http://wpad/p?trust=*.Corp,10.0.0.1&cacert=ca.pem&header=X-A:%20b&half-close=never&auth=basic&spn=HTTP/p&v=1';
  expect(parse(text)).toMatchObject({
    tls: { cacert: 'ca.pem' },
    headers: [['X-A', 'b']],
    halfClose: 'never',
    settings: { trust: '*.corp,10.0.0.1', auth: 'basic', spn: 'HTTP/p' },
  });
});

test.each([
  ['system', { kind: 'system', name: 'system' }, {}],
  ['System?trust=*.corp', { kind: 'system', name: 'system' }, { trust: '*.corp' }],
  ['direct', { kind: 'direct', name: 'direct' }, {}],
])('%s is no host', (text, chooser, settings) => {
  expect(parse(text)).toMatchObject({ chooser, settings });
});

test.each(['http://system', 'system:3128', 'direct:1', 'http://direct'])('%s is a proxy', (text) => {
  expect(parse(text).chooser).toBeUndefined();
});

test.each([
  ['pac+ftp://wpad/p', '-x "pac+ftp://wpad/p" has an unknown scheme'],
  ['pac+http:', '-x "pac+http:" is not a URL'],
  ['pac+http://me:s3cret@wpad/p', '-x "pac+http://***@wpad/p" has a user, and PAC files are read without one'],
  ['pac+file://host/p', '-x "pac+file://host/p" names no file of this machine'],
  ['pac+http://wpad/p\n', '-x "pac+http://wpad/p?" holds a control character'],
  ['pac+http://wpad/p?trust=*', '-x "pac+http://wpad/p": the setting trust: "*" is not a list of hosts'],
  ['pac+http://wpad/p?trust', '-x "pac+http://wpad/p": the setting trust needs a value'],
  ['system?trust=a&trust=b', '-x "system": the setting trust is given twice'],
  ['system?v=1', '-x "system" has an unknown setting: "v"'],
  ['direct?cacert=x', '-x "direct" has settings, and goes through no proxy'],
])('%j is refused', (text, message) => {
  expect(refusalOf(() => parse(text)).message).toBe(message);
});
