import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Certs, type IssuedCertificate, makeCerts } from '../../support/certs/certs.ts';
import { answerWith, writeRefusal } from '../../support/peers/scripted-proxy.ts';
import { stall, startTarget } from '../../support/targets/plain.ts';
import { startTls } from '../../support/targets/tls.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
});
afterAll(() => certs.remove());

const pin = 'tunl: hint: to accept exactly this certificate: pin=sha256/PIN';

const refusals: readonly (readonly [
  what: string,
  pick: (certs: Certs) => IssuedCertificate | Promise<IssuedCertificate>,
  lines: readonly string[],
])[] = [
  [
    'is for another name',
    ({ wrongName }) => wrongName,
    [
      'tunl: the certificate of localhost is for other names: other.example, *.wild.example, 192.0.2.7',
      'tunl: hint: if one of them is right, name it: servername=NAME',
      pin,
    ],
  ],
  ['has expired', ({ expired }) => expired, ['tunl: the certificate of localhost has expired (DATE)', pin]],
  [
    'comes from an authority that is not trusted',
    ({ issue, otherCa }) => issue({ cn: 'localhost', dns: ['localhost'], issuer: otherCa }),
    [
      'tunl: the certificate of localhost comes from an authority that is not trusted (CN=another authority)',
      'tunl: hint: to trust its authority: cacert=FILE',
      pin,
    ],
  ],
];

test('authorities of NODE_EXTRA_CA_CERTS are trusted beside the built-in ones', async () => {
  const words = ['connect', '--direct', '--tls-target', '--check', `localhost:${await startTls(certs.server)}`];
  expect((await runTunl(words)).code).toBe(60);
  expect(await runTunl(words, { NODE_EXTRA_CA_CERTS: certs.ca.cert })).toMatchObject({ code: 0, stderr: '' });
});

test.each(refusals)('a certificate that %s is exit 60, of a proxy and of a target', async (_, pick, lines) => {
  const port = await startTls(await pick(certs));
  const { cert } = certs.ca;
  for (const words of [
    ['-x', `https://localhost:${port}?cacert=${cert}`, 'db:22'],
    ['--direct', '--tls-target', '--cacert', cert, `localhost:${port}`],
  ]) {
    const { code, stdout, stderr } = await runTunl(['connect', ...words]);
    const said = stderr.replace(/\(\d{4}-\d\d-\d\d\)/, '(DATE)').replace(/sha256\/[\w-]+=?/, 'sha256/PIN');
    expect([said.trimEnd().split('\n'), code, stdout]).toEqual([lines, 60, '']);
  }
});

test('a proxy without TLS where TLS was said is exit 35, with what to write', async () => {
  const proxy = await startTarget(answerWith(writeRefusal('400 Bad Request')));
  for (const [scheme, plain] of [
    ['https', 'http'],
    ['h2', 'h2c'],
    ['post+https', 'post+http'],
  ] as const) {
    expect(await runTunl(['connect', '-x', `${scheme}://127.0.0.1:${proxy.port}`, 'db:22'])).toMatchObject({
      code: 35,
      stderr:
        `tunl: 127.0.0.1:${proxy.port} does not speak TLS\n` +
        `tunl: hint: write ${plain}:// instead of ${scheme}://\n`,
    });
  }
});

test('a target without TLS where TLS was asked for is exit 35, with what to leave out', async () => {
  const target = await startTarget(answerWith('220 mail.example ESMTP\r\n'));
  expect(await runTunl(['connect', '--direct', '--tls-target', `127.0.0.1:${target.port}`])).toMatchObject({
    code: 35,
    stderr: `tunl: 127.0.0.1:${target.port} does not speak TLS\ntunl: hint: leave --tls-target out\n`,
  });
});

test('a target that wants TLS is known by its alert, unless TLS is what it was sent', async () => {
  const alert = Buffer.from('15030300020246', 'hex');
  const target = await startTarget(answerWith(alert));
  const send = (bytes: Buffer) => {
    const { child, ended } = startTunl(['connect', '--direct', `127.0.0.1:${target.port}`]);
    child.stdin?.end(bytes);
    return ended;
  };
  expect(await send(Buffer.from('GET / HTTP/1.0\r\n\r\n'))).toMatchObject({
    code: 0,
    stdout: alert.toString('utf8'),
    stderr: 'tunl: the target answered in TLS: --tls-target speaks it\n',
  });
  expect(await send(Buffer.from([0x16, 3, 1]))).toMatchObject({ code: 0, stderr: '' });
});

test('who does not finish the handshake is given up at the limit of its phase', async () => {
  const silent = await startTarget(stall);
  const limit = ['--tls-timeout', '50ms'];
  expect(await runTunl(['connect', ...limit, '-x', `https://127.0.0.1:${silent.port}`, 'db:22'])).toMatchObject({
    code: 28,
    stderr:
      `tunl: 127.0.0.1:${silent.port} did not finish the TLS handshake within 50ms (--tls-timeout)\n` +
      'tunl: hint: a proxy without TLS waits like this: if it is one, write http:// instead of https://\n',
  });
  const target = await runTunl(['connect', ...limit, '--direct', '--tls-target', `127.0.0.1:${silent.port}`]);
  expect([target.code, target.stderr]).toEqual([
    28,
    `tunl: 127.0.0.1:${silent.port} did not finish the TLS handshake within 50ms (--tls-timeout)\n`,
  ]);
});

test('a proxy with TLS where none was said is told by its answer, or by its silence', async () => {
  const port = await startTls(certs.server);
  const { code, stderr } = await runTunl(['connect', '-x', `http://127.0.0.1:${port}`, 'db:22']);
  expect(code).toBe(97);
  expect(stderr).toContain('https:// instead of http://\n');
});

test('a proxy that speaks the other version of HTTP is told apart', async () => {
  const older = await startTarget(answerWith(writeRefusal('400 Bad Request')));
  expect(await runTunl(['connect', '-x', `h2c://127.0.0.1:${older.port}`, 'db:22'])).toMatchObject({
    code: 97,
    stderr:
      `tunl: 127.0.0.1:${older.port} does not speak HTTP/2\n` +
      'tunl: hint: if it speaks HTTP/1.1 only: http:// instead of h2c://\n',
  });
  const settings = Buffer.from('000000040000000000', 'hex');
  const newer = await startTarget((socket) => void socket.end(settings));
  expect(await runTunl(['connect', '-x', `http://127.0.0.1:${newer.port}`, 'db:22'])).toMatchObject({
    code: 97,
    stderr:
      `tunl: 127.0.0.1:${newer.port} is not an HTTP proxy: it answered CONNECT db:22 with HTTP/2\n` +
      'tunl: hint: it speaks HTTP/2 only: h2c://\n',
  });
  // Over TLS the version is agreed on before anything is sent.
  const port = await startTls(certs.server);
  const secured = await runTunl(['connect', '-x', `h2://localhost:${port}?cacert=${certs.ca.cert}`, 'db:22']);
  expect(secured.code).toBe(97);
  expect(secured.stderr).toMatch(/does not speak HTTP\/2.*\ntunl: hint: https:\/\/ takes whatever the proxy speaks\n/);
});
