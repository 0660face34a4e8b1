import { expect, test } from 'vitest';
import { linkPair } from '../../../src/core/link.ts';
import { Secret } from '../../../src/core/secret.ts';
import { recogniseForeign, silentHints } from '../../../src/http/tunnel/foreign.ts';
import { proxyHop as hop } from '../../support/proxy-hop.ts';

const tls = 'it wants TLS: https:// instead of http://';
const socks = 'it seems to be a SOCKS proxy: write ';

test.each([
  ['a TLS alert', [0x15, 3, 1, 0, 2, 2, 10], 'a TLS record', tls],
  ['a TLS handshake', [0x16, 3, 3, 0, 4], 'a TLS record', tls],
  ['SETTINGS of HTTP/2', [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3], 'HTTP/2', 'it speaks HTTP/2 only: h2c://'],
  ['a frame of another kind', [0, 0, 6, 3, 0, 0, 0, 0, 0], 'bytes that are no HTTP', undefined],
  ['a reply of SOCKS 5', [5, 0xff], 'a SOCKS reply', `${socks}socks5h://`],
  ['a refusal of SOCKS 4', [0, 0x5b, 0, 0], 'a SOCKS reply', `${socks}socks4a://`],
  ['the banner of an ssh server', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'), '"SSH-2.0-OpenSSH_9.2"', undefined],
  ['a long line', Buffer.from('x'.repeat(100)), `"${'x'.repeat(60)}"`, undefined],
  ['a status line that breaks off', Buffer.from('HTTP/1.1 200 OK\nX'), 'a broken HTTP head', undefined],
  ['NUL', [0], 'bytes that are no HTTP', undefined],
  ['escape sequences', Buffer.from('abc\u001b[2J'), 'bytes that are no HTTP', undefined],
])('%s is recognised', (_, bytes, words, hint) => {
  expect(recogniseForeign(Buffer.from(bytes), hop)).toEqual({ words, hints: hint === undefined ? [] : [hint] });
});

test('what repeats our password is not repeated', () => {
  const credentials = { user: 'alice', password: new Secret('open-sesame') };
  const { words } = recogniseForeign(Buffer.from('echo open-sesame'), { ...hop, credentials });
  expect(words).toBe('"echo ‹redacted›"');
});

test('who closes without a word may want TLS, unless it has it', () => {
  const [link] = linkPair();
  expect(silentHints(hop, link)).toEqual([
    'ports for TLS or SOCKS close like this; for a proxy with TLS write https:// instead of http://',
  ]);
  expect(silentHints({ ...hop, scheme: 'post+http' }, link).join()).toContain('post+https:// instead of post+http://');
  const facts = { protocol: 'TLSv1.3', cipher: 'x' };
  expect(silentHints({ ...hop, scheme: 'https' }, { ...link, peer: { tls: facts } })).toEqual([]);
});
