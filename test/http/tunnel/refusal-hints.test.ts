import { describe, expect, test } from 'vitest';
import type { TcpAddress } from '../../../src/core/address.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { ResponseHead } from '../../../src/http/wire/message.ts';
import { type RefusalFacts, refusalHints } from '../../../src/http/tunnel/refusal-hints.ts';
import { proxyHop as hop } from '../../support/proxy-hop.ts';

const credentials = { user: 'alice', password: new Secret('secret') };
const address: TcpAddress = { kind: 'tcp', host: 'db', port: 443 };

function hintsOf(status: number, headers: ResponseHead['headers'] = [], more: Partial<RefusalFacts> = {}): string[] {
  const head = { status, reason: '', headers };
  return refusalHints({
    hop,
    method: 'CONNECT',
    address,
    head,
    body: '',
    status: undefined,
    ownHint: undefined,
    retryAfterMs: undefined,
    ...more,
  });
}

describe('what the proxy said', () => {
  const html = [['content-type', 'text/html; charset=utf-8']] as const;

  test.each([
    ['plain text', [], 'The category of this site is blocked\n', 'The category of this site is blocked'],
    ['several lines', [], 'Access\r\n\tdenied  here', 'Access denied here'],
    [
      'an HTML page',
      html,
      '<html><head><title>T</title></head><body><h1>Access &amp; more</h1><p>is  denied</p></body></html>',
      'Access & more is denied',
    ],
    ['HTML with style and script', html, '<style>p{}</style><script>x()</script><p>Denied</p><!-- no -->', 'Denied'],
    ['HTML that is not called so', [], '<!DOCTYPE html><p>Denied &lt;here&gt;</p>', 'Denied <here>'],
    [
      'a page of squid',
      html,
      `<body><h1>ERROR</h1><h2>The requested URL could not be retrieved</h2><p>The following error was encountered
        while trying to retrieve the URL: <a href="db:22">db:22</a></p><b>Access Denied.</b></body>`,
      'Access Denied.',
    ],
    ['a long text', [], 'x'.repeat(500), 'x'.repeat(200)],
    ['escape sequences', [], 'a\u001b[2Jb\u0007\u009bc', 'a [2Jb c'],
  ] as const)('in %s is its first words', (_, headers, body, words) => {
    expect(hintsOf(403, headers, { body })).toEqual([`the proxy said: "${words}"`]);
  });

  test('is left out where it said nothing', () => {
    expect(hintsOf(403, html, { body: '<html></html>' })).toEqual([]);
  });

  test.each([
    ['ERR_ACCESS_DENIED 0', ' (its rules do not allow it)'],
    ['ERR_CONNECT_FAIL 111', ' (it could not connect there: connection refused)'],
    ['ERR_CONNECT_FAIL 110', ' (it could not connect there: no answer)'],
    ['ERR_CONNECT_FAIL 4711', ' (it could not connect there)'],
    ['ERR_DNS_FAIL 0', ' (it cannot resolve the name)'],
    ['ERR_CUSTOM 0', ''],
    ['constructor toString', ''],
  ])("in squid's field %s is explained", (value, meaning) => {
    expect(hintsOf(503, [['x-squid-error', value]])).toEqual([`the proxy said: "${value}"${meaning}`]);
  });
});

describe('a 403', () => {
  const portHint = (port: number) => `many proxies allow CONNECT to port 443 only, and this is port ${port}`;

  test('for a port that many proxies do not allow says so', () => {
    expect(hintsOf(403, [], { address: { ...address, port: 22 } })).toEqual([portHint(22)]);
  });

  test('names the other door of a service that has one', () => {
    const github = { kind: 'tcp', host: 'github.com', port: 22 } as const;
    expect(hintsOf(403, [], { address: github })).toEqual([
      portHint(22),
      'ssh.github.com:443 is the same as github.com:22',
    ]);
  });

  test.each([
    ['whose proxy says it itself', { body: 'CONNECT to 443 only' }],
    ['that Proxy-Status explains', { status: { proxy: 'edge', error: 'http_request_denied' } }],
    ['that the carrier explains', { ownHint: 'ask for access' }],
    ['of a POST', { method: 'POST' }],
  ] as const)('%s is not explained twice', (_, more) => {
    expect(hintsOf(403, [], { address: { ...address, port: 22 }, ...more })).not.toContain(portHint(22));
  });
});

describe('a demand for credentials', () => {
  const user =
    'name a user: http://USER@proxy.corp:8080; the password is taken from TUNL_PROXY_PASSWORD, ' +
    '--password-file, ~/.netrc or SSH_ASKPASS, or asked for';
  const gateway = 'a gateway on this machine that knows it can stand in between (px, cntlm)';
  const token = 'name the file of its token: ?token-file=FILE in the URL of the proxy';

  test.each([
    ['that names no scheme', [], undefined, user],
    ['for Basic', ['Basic realm="x"'], 'Basic', user],
    [
      'for one of several, in one field',
      ['Negotiate, NTLM, Basic realm="a, b", charset="UTF-8"'],
      'Negotiate, NTLM, Basic',
      user,
    ],
    ['for one of several, in several fields', ['Negotiate', 'basic realm=x'], 'Negotiate, basic', user],
    ['for NTLM', ['NTLM'], 'NTLM', user],
    ['for Negotiate with a token', ['Negotiate YII=, NTLM'], 'Negotiate, NTLM', user],
    ['for Digest', ['Digest realm="x, Basic", nonce="y", qop="auth"'], 'Digest', user],
    ['for what nobody knows', ['Kerberos'], 'Kerberos', gateway],
    ['for a token', ['Bearer realm="x"'], 'Bearer', token],
  ])('%s says what can be given', (_, challenges, offer, advice) => {
    const headers = challenges.map((value) => ['proxy-authenticate', value] as const);
    const offers = offer === undefined ? [] : [`it offers ${offer} authentication`];
    expect(hintsOf(407, headers)).toEqual([...offers, advice]);
  });

  test('that had them says that they were not accepted', () => {
    const [, advice] = hintsOf(407, [['proxy-authenticate', 'Basic']], { hop: { ...hop, credentials } });
    expect(advice).toBe('it does not accept the user and the password that were sent');
  });

  test('that had a header of the user says that it was not accepted', () => {
    const withHeader = { ...hop, headers: [['Proxy-Authorization', 'Bearer x']] } as const;
    const [, advice] = hintsOf(407, [['proxy-authenticate', 'Bearer']], { hop: withHeader });
    expect(advice).toBe('it does not accept the Proxy-Authorization header that was sent');
  });

  test('of a server is read from its own field', () => {
    const hints = hintsOf(401, [['www-authenticate', 'Basic']], { method: 'POST' });
    expect(hints).toEqual(['it offers Basic authentication', user]);
  });

  test('by a 401 to CONNECT is that of a web server', () => {
    expect(hintsOf(401, [['www-authenticate', 'Basic']])).toEqual([
      'it offers Basic authentication',
      'it asks as a web server does, with 401 in place of 407, and is not answered',
    ]);
  });

  test('says what was tried', () => {
    const tried = ['NTLM: it does not accept the user and the password that were sent'];
    const facts = { hop: { ...hop, credentials }, tried };
    expect(hintsOf(407, [['proxy-authenticate', 'NTLM']], facts)).toEqual(['it offers NTLM authentication', ...tried]);
  });

  test('is explained whatever Proxy-Status says', () => {
    expect(hintsOf(407, [], { status: { proxy: 'edge', error: 'http_request_denied' } })).toEqual([user]);
  });
});

test.each([
  [400, 'The plain HTTP request was sent to HTTPS port', 'it wants TLS: https:// instead of http://'],
  [
    400,
    "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
    'it wants TLS: https:// instead of http://',
  ],
  [400, 'Bad request', undefined],
  [404, '', 'it opens no tunnels by CONNECT: a web server, or a proxy where that is switched off'],
  [405, '', 'it opens no tunnels by CONNECT: a web server, or a proxy where that is switched off'],
  [501, '', 'it opens no tunnels by CONNECT: a web server, or a proxy where that is switched off'],
  [511, '', 'a login page may stand in the way; a browser shows it'],
  [302, '', undefined],
  [502, '', undefined],
])('%i with the body %j is explained', (status, body, advice) => {
  expect(hintsOf(status, [], { body }).filter((hint) => !hint.startsWith('the proxy said'))).toEqual(
    advice === undefined ? [] : [advice],
  );
});

test('a redirection says where to, without control characters', () => {
  expect(hintsOf(302, [['location', 'http://login.corp/\u001b[2J']])).toEqual([
    'a login page may stand in the way; a browser shows it: http://login.corp/ [2J',
  ]);
});

test('TLS is not recommended where it is spoken already', () => {
  const secured = { ...hop, scheme: 'https' };
  expect(hintsOf(400, [], { hop: secured, body: 'sent to HTTPS port' })).toEqual([
    'the proxy said: "sent to HTTPS port"',
  ]);
});
