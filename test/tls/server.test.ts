import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectTls } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';
import { secure } from '../../src/tls/client.ts';
import { loadTls } from '../../src/tls/material/material.ts';
import { pinOf } from '../../src/tls/certificate/pin.ts';
import { createTlsServer, type TlsServerOptions } from '../../src/tls/server.ts';
import { makeCerts } from '../support/certs/certs.ts';
import { inTime } from '../support/eventually.ts';
import { makeTcpPair } from '../support/harness/link-pairs.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());
const own = { cert: certs.server.cert, key: certs.server.key };
const never = new AbortController().signal;

const createServer = (options: Partial<TlsServerOptions> = {}) => createTlsServer({ ...own, alpn: [], ...options });

/** Starts to accept a client that the test plays; `failing` gives the failure. */
async function acceptRaw(signal = never) {
  const { first, second } = await makeTcpPair();
  const accepting = (await createServer()).accept(second, signal);
  const failing = accepting.then(
    () => Promise.reject(new Error('the handshake was completed')),
    (error: TunlError) => error,
  );
  return { client: new RawPeer(first), link: second, accepting, failing };
}

test('plain HTTP is closed at once, with one error that says so', async () => {
  const { client, failing, link } = await acceptRaw();
  client.send('CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n');
  expect(await client.waitForEnd()).toBe('fin');
  const error = await failing;
  expect(error.message).toBe('the client does not speak TLS, it sent a plain HTTP request');
  expect([error.code, error.side, error.phase]).toEqual(['tls_protocol_error', 'client', 'tls']);
  expect(link.stream.destroyed).toBe(true);
});

test.each([
  ['goes away', (client: RawPeer) => client.reset()],
  ['ends', (client: RawPeer) => client.fin()],
])('a client that %s in the middle of its hello fails the handshake', async (_, leave) => {
  const { client, failing, link } = await acceptRaw();
  client.send('\x16\x03\x01\x02\x00\x01');
  leave(client);
  expect(await failing).toMatchObject({ code: 'tls_protocol_error', side: 'client' });
  expect(link.stream.destroyed).toBe(true);
});

test('a client that stops in the middle of its hello is reset when the signal says so', async () => {
  const controller = new AbortController();
  const { client, failing } = await acceptRaw(controller.signal);
  client.send('\x16\x03\x01\x02\x00\x01');
  controller.abort(new TunlError('connection_timeout', 'too slow'));
  expect(await failing).toMatchObject({ code: 'connection_timeout', message: 'too slow', side: 'client' });
  expect(await client.waitForEnd()).toBe('reset');
});

test('a hello in records of one byte is a hello', async () => {
  const hello = await captureHello();
  const { client, accepting } = await acceptRaw();
  // The record layer may split a message anywhere (RFC 8446, section 5.1).
  for (const byte of hello.subarray(5)) client.send(Buffer.from([0x16, 3, 1, 0, 1, byte]));
  expect((await client.read(3)).toString('hex')).toBe('160303');
  client.reset();
  await expect(accepting).rejects.toBeInstanceOf(TunlError);
});

describe('a client of the past is refused with an alert', () => {
  test.each([
    ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }, 'PROTOCOL_VERSION'],
    [
      'a cipher without forward secrecy',
      { maxVersion: 'TLSv1.2', ciphers: 'AES256-SHA256:AES128-GCM-SHA256' },
      'HANDSHAKE_FAILURE',
    ],
    ['a cipher in CBC mode', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }, 'HANDSHAKE_FAILURE'],
    ['no encryption', { maxVersion: 'TLSv1.2', ciphers: 'NULL@SECLEVEL=0' }, 'HANDSHAKE_FAILURE'],
  ] as const)('%s', async (_, options, alert) => {
    const { first, second } = await makeTcpPair();
    const refusal = (await createServer()).accept(second, never).catch((failure: TunlError) => failure);
    const client = connectTls({ socket: first.stream, rejectUnauthorized: false, ...options });
    const error = inTime('an alert', new Promise<NodeJS.ErrnoException>((resolve) => client.once('error', resolve)));
    expect((await error).code).toMatch(new RegExp(`_ALERT_${alert}$`));
    expect(await refusal).toMatchObject({ code: 'tls_protocol_error', side: 'client' });
  });
});

test('TLS 1.2 is spoken, and not renegotiated', async () => {
  const { first, second } = await makeTcpPair();
  const accepting = (await createServer()).accept(second, never);
  const client = connectTls({ socket: first.stream, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  client.on('error', () => {});
  const connected = new Promise((resolve) => client.once('secureConnect', resolve));
  const [{ stream, peer }] = await Promise.all([accepting, connected]);
  const cipher = expect.stringMatching(/^TLS_ECDHE_ECDSA_WITH_.*(GCM|POLY1305)/);
  expect(peer.tls).toMatchObject({ protocol: 'TLSv1.2', cipher });
  stream.resume();
  const renewed = new Promise((resolve) => client.once('secure', () => resolve('renegotiated')));
  const refused = new Promise((resolve) => stream.once('close', () => resolve('closed')));
  client.renegotiate({}, () => {});
  expect(await inTime('an answer', Promise.race([renewed, refused]))).toBe('closed');
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)('a session of %s is not resumed', async (maxVersion) => {
  const acceptor = await createServer();
  let session: Buffer | undefined;
  for (let round = 0; round < 2; round++) {
    const { first, second } = await makeTcpPair();
    const accepting = acceptor.accept(second, never);
    const client = connectTls({
      socket: first.stream,
      rejectUnauthorized: false,
      maxVersion,
      ...(session && { session }),
    });
    const offered = new Promise<Buffer>((resolve) => client.once('session', resolve));
    const accepted = await accepting;
    accepted.stream.end('hello');
    expect((await new RawPeer({ stream: client, reset: first.reset }).readToEnd()).toString()).toBe('hello');
    expect(client.isSessionReused()).toBe(false);
    session = maxVersion === 'TLSv1.3' ? await inTime('a session', offered) : client.getSession();
    first.reset(new Error('done'));
  }
});

describe('without cert and key a development certificate is made', () => {
  test('that clients trust by its pin, and that is for this machine', async () => {
    const acceptor = await createTlsServer({ alpn: [] });
    expect([acceptor.development, acceptor.pin]).toEqual([true, expect.stringMatching(/^sha256\/[\w-]{43}$/)]);
    const { first, second } = await makeTcpPair();
    const settings = await loadTls({ pin: acceptor.pin });
    const [link] = await Promise.all([
      secure(first, { host: 'localhost', settings, alpn: [] }, never),
      acceptor.accept(second, never),
    ]);
    const raw = (link.stream as ReturnType<typeof connectTls>).getPeerCertificate().raw;
    const certificate = new X509Certificate(raw);
    for (const ip of ['127.0.0.1', '::1']) expect(certificate.checkIP(ip)).toBe(ip);
    expect(certificate.checkHost('localhost')).toBe('localhost');
  });

  test('that a reload keeps', async () => {
    const acceptor = await createTlsServer({ alpn: [] });
    const { pin } = acceptor;
    await acceptor.reload();
    expect(acceptor.pin).toBe(pin);
  });
});

describe('a reload', () => {
  const makeFiles = () => {
    const files = { cert: certs.write('cert.pem', ''), key: certs.write('key.pem', '') };
    const put = ({ cert, key }: { cert: string; key: string }) => {
      copyFileSync(cert, files.cert);
      copyFileSync(key, files.key);
    };
    put(certs.server);
    return { files, put };
  };
  const subjectSeen = async (acceptor: Awaited<ReturnType<typeof createServer>>) => {
    const { first, second } = await makeTcpPair();
    const settings = await loadTls({ insecure: true });
    const [link] = await Promise.all([
      secure(first, { host: 'localhost', settings, alpn: [] }, never),
      acceptor.accept(second, never),
    ]);
    return link.peer.tls?.subject;
  };

  test('shows the new certificate to new clients and cuts nobody', async () => {
    const { files, put } = makeFiles();
    const acceptor = await createServer(files);
    const { first, second } = await makeTcpPair();
    const settings = await loadTls({ cacert: certs.ca.cert });
    const [client, server] = await Promise.all([
      secure(first, { host: 'localhost', settings, alpn: [] }, never),
      acceptor.accept(second, never),
    ]);
    put(certs.wrongName);
    await acceptor.reload();
    expect(await subjectSeen(acceptor)).toBe('CN=other');
    expect(acceptor.pin).toBe(pinOf(new X509Certificate(certs.wrongName.certPem)));
    client.stream.end('still here');
    expect((await new RawPeer(server).readToEnd()).toString()).toBe('still here');
  });

  test('of files that are wrong keeps what there was, and says what is wrong', async () => {
    const { files } = makeFiles();
    const acceptor = await createServer(files);
    writeFileSync(files.key, readFileSync(certs.client.key));
    await expect(acceptor.reload()).rejects.toMatchObject({ code: 'usage', message: /is not the key of --cert/ });
    expect(await subjectSeen(acceptor)).toBe('CN=localhost');
  });
});

test.each<[Partial<TlsServerOptions>, string]>([
  [{ cert: '/nowhere/cert.pem' }, 'cannot read --cert "/nowhere/cert.pem": there is no such file'],
  [{ key: certs.client.key }, `--key "${certs.client.key}" is not the key of --cert "${own.cert}"`],
  [{ clientCa: own.key }, `--client-ca "${own.key}" holds no certificate, only private key`],
])('with %j it does not start', async (options, message) => {
  await expect(createServer(options)).rejects.toMatchObject({ code: 'usage', message });
});

async function captureHello(): Promise<Buffer> {
  const { first, second } = await makeTcpPair();
  const settings = await loadTls({ insecure: true });
  const failing = secure(first, { host: 'localhost', settings, alpn: [] }, never).catch((error: Error) => error);
  const server = new RawPeer(second);
  const header = await server.read(5);
  const hello = Buffer.concat([header, await server.read(header.readUInt16BE(3))]);
  server.reset();
  await failing;
  return hello;
}
