import { expect, test } from 'vitest';
import { startBlackhole } from '../../support/peers/blackhole.ts';
import { answerWith, openThen, writeRefusal } from '../../support/peers/scripted-proxy.ts';
import { type Behaviour, refusedAddress, resetAfter, stall, startTarget } from '../../support/targets/plain.ts';
import { type Ended, runTunl, startTunl } from '../../support/harness/tunl-process.ts';

/** Lines of stderr without `tunl: `, with the place of the proxy as PROXY. */
function linesOf({ stderr }: Ended, port: number): string[] {
  const lines = stderr.replaceAll(`127.0.0.1:${port}`, 'PROXY').trimEnd().split('\n');
  for (const line of lines) expect(line).toMatch(/^tunl: (?:hint: )?\S/);
  return lines.map((line) => line.replace('tunl: ', ''));
}

const closed = 'hint: ports for TLS or SOCKS close like this; for a proxy with TLS write https:// instead of http://';
const basic = ['Proxy-Authenticate: Basic realm="corp, inc"'];
const page = '<html><head><title>x</title></head><body><h1>Blocked</h1><p>Ask&nbsp;IT &amp; wait</p></body></html>';

/** Behaviours of a proxy after `CONNECT db:22`, and the lines that tunl prints; the exit is 97 unless a row differs. */
const proxies: readonly (readonly [what: string, proxy: Behaviour, lines: readonly string[], code?: number])[] = [
  [
    '403 with a page',
    answerWith(writeRefusal('403 Forbidden', ['Content-Type: text/html'], page)),
    [
      'PROXY refused CONNECT db:22: 403 Forbidden',
      'hint: the proxy said: "Blocked Ask IT & wait"',
      'hint: many proxies allow CONNECT to port 443 only, and this is port 22',
    ],
  ],
  ['502', answerWith(writeRefusal('502 Bad Gateway')), ['PROXY refused CONNECT db:22: 502 Bad Gateway']],
  [
    '503 with a reason of its own',
    answerWith(writeRefusal('503 Out to lunch', ['X-Squid-Error: ERR_CONNECT_FAIL 111'])),
    [
      'PROXY refused CONNECT db:22: 503 Out to lunch',
      'hint: the proxy said: "ERR_CONNECT_FAIL 111" (it could not connect there: connection refused)',
    ],
  ],
  [
    'a success that is none',
    answerWith('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    ['PROXY refused CONNECT db:22: 101 Switching Protocols'],
  ],
  [
    '502 that tells why',
    answerWith(writeRefusal('502 Bad Gateway', ['Proxy-Status: edge; error=connection_refused'])),
    ['PROXY refused CONNECT db:22: 502 Bad Gateway (connection_refused)'],
    7,
  ],
  [
    '504 that tells why',
    answerWith(
      writeRefusal('504 Gateway Timeout', ['Proxy-Status: edge; error=connection_timeout; details="no SYN-ACK"']),
    ),
    ['PROXY refused CONNECT db:22: 504 Gateway Timeout (connection_timeout)', 'hint: the proxy said: "no SYN-ACK"'],
    28,
  ],
  [
    '407',
    answerWith(writeRefusal('407 Proxy Authentication Required', basic)),
    [
      'PROXY refused CONNECT db:22: 407 Proxy Authentication Required',
      'hint: it offers Basic authentication',
      'hint: name a user: http://USER@PROXY; the password is taken from TUNL_PROXY_PASSWORD, ' +
        '--password-file, ~/.netrc or SSH_ASKPASS, or asked for',
    ],
    67,
  ],
  [
    '407 for Windows users only',
    answerWith(writeRefusal('407 Authenticate', ['Proxy-Authenticate: Negotiate', 'Proxy-Authenticate: NTLM'])),
    [
      'PROXY refused CONNECT db:22: 407 Authenticate',
      'hint: it offers Negotiate, NTLM authentication',
      'hint: Negotiate: an address has no name in Kerberos (spn=HTTP/NAME gives it one)',
      'hint: name a user: http://USER@PROXY; the password is taken from TUNL_PROXY_PASSWORD, --password-file, ~/.netrc or SSH_ASKPASS, or asked for',
    ],
    67,
  ],
  [
    'an ssh server',
    answerWith('SSH-2.0-OpenSSH_9.2p1\r\n'),
    ['PROXY is not an HTTP proxy: it answered CONNECT db:22 with "SSH-2.0-OpenSSH_9.2p1"'],
  ],
  [
    'a TLS alert',
    answerWith(Buffer.from('15030100020246', 'hex')),
    [
      'PROXY is not an HTTP proxy: it answered CONNECT db:22 with a TLS record',
      'hint: it wants TLS: https:// instead of http://',
    ],
  ],
  [
    'noise',
    answerWith(Buffer.from([200, 1, 2, 3])),
    ['PROXY is not an HTTP proxy: it answered CONNECT db:22 with bytes that are no HTTP'],
  ],
  ['a close', answerWith(''), ['PROXY closed the connection without an answer to CONNECT db:22', closed]],
  ['a reset', resetAfter(1), ['PROXY reset the connection without an answer to CONNECT db:22', closed]],
  [
    'a head that breaks off',
    answerWith('HTTP/1.1 200 OK\r\nX-A: '),
    ['PROXY closed the connection in the middle of its answer to CONNECT db:22'],
  ],
  [
    'a head without end',
    answerWith(`HTTP/1.1 200 OK\r\n${'X: 1234567890\r\n'.repeat(5000)}`),
    ['PROXY answered CONNECT db:22 with a head above 65536 bytes'],
  ],
];

const rows = proxies.map(([what, proxy, lines, code = 97]) => [what, proxy, lines, code] as const);

test.each(rows)('a proxy that answers with %s', async (_, behave, lines, code) => {
  const proxy = await startTarget(behave);
  const ended = await runTunl(['connect', '-x', `http://127.0.0.1:${proxy.port}`, 'db:22']);
  expect([linesOf(ended, proxy.port), ended.code, ended.stdout]).toEqual([lines, code, '']);
});

test('credentials that are not accepted are said to be so, and are seen nowhere', async () => {
  const proxy = await startTarget(answerWith(writeRefusal('407 Proxy Authentication Required', basic)));
  const ended = await runTunl(['connect', '-vv', '-x', `http://alice:open-sesame@127.0.0.1:${proxy.port}`, 'db:22']);
  expect(linesOf(ended, proxy.port).slice(-3)).toEqual([
    'PROXY refused CONNECT db:22: 407 Proxy Authentication Required',
    'hint: it offers Basic authentication',
    'hint: it does not accept the user and the password that were sent',
  ]);
  expect(ended.code).toBe(67);
  expect(ended.stderr).not.toMatch(/sesame|alice|b3Blbi/);
});

test('a proxy that says nothing is given up at the limit of its phase', async () => {
  const proxy = await startTarget(stall);
  const ended = await runTunl(['connect', '--handshake-timeout', '50ms', '-x', `127.0.0.1:${proxy.port}`, 'db:22']);
  expect([linesOf(ended, proxy.port), ended.code]).toEqual([
    [
      'PROXY did not answer CONNECT db:22 within 50ms (--handshake-timeout)',
      'hint: a proxy is silent while it tries: perhaps db:22 itself does not answer',
    ],
    28,
  ]);
});

test('a proxy that nobody answers for is given up at the limit of its phase', async () => {
  const { address } = await startBlackhole();
  const ended = await runTunl(['connect', '--connect-timeout', '50ms', '-x', `127.0.0.1:${address.port}`, 'db:22']);
  expect([linesOf(ended, address.port), ended.code]).toEqual([
    [
      'the proxy PROXY did not accept a connection within 50ms (--connect-timeout)',
      'hint: nothing answers at that address: is a VPN down, or a firewall in the way?',
    ],
    28,
  ]);
});

test('a target that nobody answers for is one, also behind a proxy', async () => {
  const { address } = await startBlackhole();
  const direct = await runTunl(['connect', '--connect-timeout', '50ms', '--direct', `127.0.0.1:${address.port}`]);
  expect([linesOf(direct, address.port), direct.code]).toEqual([
    ['PROXY did not accept a connection within 50ms (--connect-timeout)'],
    28,
  ]);
  const serve = startTunl(['serve', '--connect-timeout', '50ms', '127.0.0.1:0']);
  const [, proxy = ''] = await serve.waitFor(/serving (\S+)/);
  const behind = await runTunl(['connect', '-x', proxy, `127.0.0.1:${address.port}`]);
  expect([linesOf(behind, address.port), behind.code]).toEqual([
    [`${proxy} refused CONNECT PROXY: 504 Gateway Timeout (connection_timeout)`],
    28,
  ]);
  serve.child.kill('SIGTERM');
  await serve.ended;
});

test('who refuses a connection is called the proxy or the target', async () => {
  const place = `127.0.0.1:${refusedAddress.port}`;
  const proxy = await runTunl(['connect', '--json', '-x', place, 'db:22']);
  expect(proxy.code).toBe(7);
  expect(JSON.parse(proxy.stderr.split('\n')[1] ?? '')).toMatchObject({
    event: 'error',
    code: 'connection_refused',
    side: 'hop',
    hop: 1,
    phase: 'connect',
    message: `cannot connect to the proxy ${place}: connection refused`,
  });
  const target = await runTunl(['connect', '--json', '--direct', place]);
  expect(target.code).toBe(7);
  expect(JSON.parse(target.stderr.split('\n')[1] ?? '')).toMatchObject({
    side: 'target',
    hop: null,
    message: `cannot connect to ${place}: connection refused`,
  });
});

test('a tunnel that is cut in the middle is exit 56, and what had come is there', async () => {
  const proxy = await startTarget(openThen('half of it', resetAfter(1)));
  const { child, ended } = startTunl(['connect', '-x', `127.0.0.1:${proxy.port}`, 'db:22']);
  child.stdout?.once('data', () => child.stdin?.write('go'));
  expect(await ended).toMatchObject({
    code: 56,
    stdout: 'half of it',
    stderr: 'tunl: the tunnel to db:22 was cut: connection reset\n',
  });
});

test('a tunnel that is reset without a word may be one for TLS, unless TLS was what was sent', async () => {
  const proxy = await startTarget(openThen('', resetAfter(1)));
  const run = (first: Buffer, port: number) => {
    const { child, ended } = startTunl(['connect', '-x', `127.0.0.1:${proxy.port}`, `example.test:${port}`]);
    child.stdin?.write(first);
    return ended;
  };
  const hint = 'tunl: hint: port 443 is mostly for TLS, and some proxies pass nothing else to it: --tls-target\n';
  const plain = await run(Buffer.from('SSH-2.0-x\r\n'), 443);
  expect([plain.code, plain.stderr]).toEqual([
    56,
    `tunl: the tunnel to example.test:443 was cut: connection reset\n${hint}`,
  ]);
  for (const ended of [await run(Buffer.from([0x16, 3, 1]), 443), await run(Buffer.from('SSH-2.0-x\r\n'), 22)]) {
    expect(ended.code).toBe(56);
    expect(ended.stderr).not.toContain('hint');
  }
});
