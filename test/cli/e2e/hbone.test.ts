import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { streamLink } from '../../../src/core/link.ts';
import { makeMesh, spiffeId } from '../../support/certs/mesh.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { runTunl, startTunl } from '../../support/harness/tunl-process.ts';

const mesh = await makeMesh();
const { cert, key, clientCa } = mesh.serverTls();
const hop = mesh.hopTls();

/** Starts `serve --hbone` on a free port. */
async function startServe(...words: string[]) {
  const files = ['--cert', cert, '--key', key, '--client-ca', clientCa];
  const tunl = startTunl(['serve', '127.0.0.1:0', '--hbone', ...files, ...words]);
  onTestFinished(() => void tunl.child.kill('SIGKILL'));
  const [, port = ''] = await tunl.waitFor(/serving 127\.0\.0\.1:(\d+)/);
  return { tunl, port };
}

const urlOf = (port: string, more = '') =>
  `hbone://127.0.0.1:${port}?cert=${hop.cert}&key=${hop.key}&cacert=${hop.cacert}${more}`;

function openSocket(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  return socket;
}

test('a forward goes through a server, and its record says who came', async () => {
  const target = await startTarget(echo);
  const { tunl, port } = await startServe();
  const forward = startTunl([
    'forward',
    `:127.0.0.1:${target.port}`,
    '-x',
    urlOf(port, `&peer=${spiffeId('gateway')}`),
  ]);
  onTestFinished(() => void forward.child.kill('SIGKILL'));
  const [, local = ''] = await forward.waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  const client = new RawPeer(streamLink(openSocket(Number(local))));
  client.send('hello');
  client.fin();
  expect((await client.readToEnd()).toString()).toBe('hello');
  const [record] = await tunl.waitFor(/.* closed: sent 5, received 5 .*/);
  expect(record).toContain(` ${spiffeId('cart')} 127.0.0.1:${target.port} 200 `);
});

test('SIGHUP reads the certificates again, and says when they are wrong', async () => {
  const target = await startTarget(echo);
  const copy = {
    cert: mesh.certs.write('copy.pem', mesh.gateway.cert),
    key: mesh.certs.write('copy.key', mesh.gateway.key),
  };
  const { tunl, port } = await startServe('--cert', copy.cert, '--key', copy.key);
  const through = (account: string) =>
    runTunl(['connect', `127.0.0.1:${target.port}`, '-x', urlOf(port, `&peer=${spiffeId(account)}`)]);
  expect(await through('gateway')).toMatchObject({ code: 0, stderr: '' });

  const { certPem, keyPem } = await mesh.issue(spiffeId('gateway-2'));
  writeFileSync(copy.cert, certPem);
  tunl.child.kill('SIGHUP');
  const [complaint] = await tunl.waitFor(/tunl: .* is not the key of .*/);
  expect(complaint).toContain(copy.key);
  writeFileSync(copy.key, keyPem);
  tunl.child.kill('SIGHUP');
  await tunl.waitFor(/tunl: certificates, keys and users were read again/);
  expect(await through('gateway-2')).toMatchObject({ code: 0, stderr: '' });
  const refused = await through('gateway');
  expect(refused.code).toBe(60);
  expect(refused.stderr).toContain(`is not that of ${spiffeId('gateway')}`);
});

/** Starts `forward` to a target with a certificate of `cart`, whose files may be replaced. */
async function startForward(port: string, files: { cert: string; key: string }, ...words: string[]) {
  const target = await startTarget(echo);
  const url = `hbone://127.0.0.1:${port}?cert=${files.cert}&key=${files.key}&cacert=${hop.cacert}`;
  const tunl = startTunl(['forward', '-v', `:127.0.0.1:${target.port}`, '-x', url, ...words]);
  onTestFinished(() => void tunl.child.kill('SIGKILL'));
  const [, local = ''] = await tunl.waitFor(/forwarding 127\.0\.0\.1:(\d+)/);
  const say = async (word: string) => {
    const client = new RawPeer(streamLink(openSocket(Number(local))));
    client.send(word);
    client.fin();
    expect((await client.readToEnd()).toString()).toBe(word);
  };
  return { tunl, say };
}

test('SIGHUP makes a forward show its new certificate, and its tunnels live on', async () => {
  const { tunl: server, port } = await startServe();
  const files = {
    cert: mesh.certs.write('forward.pem', mesh.cart.cert),
    key: mesh.certs.write('forward.key', mesh.cart.key),
  };
  const { tunl, say } = await startForward(port, files);
  await say('first');
  await server.waitFor(new RegExp(` ${spiffeId('cart')} .* 200 .*sent 5`));
  const { certPem, keyPem } = await mesh.issue(spiffeId('cart-2'));
  writeFileSync(files.cert, certPem);
  writeFileSync(files.key, keyPem);
  tunl.child.kill('SIGHUP');
  await tunl.waitFor(/tunl: certificates and keys were read again/);
  await say('second');
  await server.waitFor(new RegExp(` ${spiffeId('cart-2')} .* 200 .*sent 6`));
});

describe('certificates of a mesh that are replaced', () => {
  /** Writes a certificate and its key into a folder of their own, and points the link at it in one step. */
  async function point(link: string, name: string): Promise<void> {
    const folder = `${link}.${name}`;
    mkdirSync(folder);
    const { certPem, keyPem } = await mesh.issue(spiffeId(name));
    writeFileSync(join(folder, 'tls.crt'), certPem);
    writeFileSync(join(folder, 'tls.key'), keyPem);
    symlinkSync(folder, `${link}.new`);
    renameSync(`${link}.new`, link);
  }

  test('are read again without a word, also where a symlink is swapped as in Kubernetes', async () => {
    const { tunl: server, port } = await startServe();
    const link = join(mesh.certs.folder, 'volume');
    await point(link, 'one');
    const { tunl, say } = await startForward(port, { cert: join(link, 'tls.crt'), key: join(link, 'tls.key') });
    await say('first');
    await point(link, 'two');
    await tunl.waitFor(/certificates and keys changed, and were read again/);
    await say('second');
    await server.waitFor(new RegExp(` ${spiffeId('two')} .* 200 .*sent 6`));
  });

  test('are no longer watched with --watch-files=no, and a server keeps the old pair where the new does not fit', async () => {
    const copy = {
      cert: mesh.certs.write('kept.pem', mesh.gateway.cert),
      key: mesh.certs.write('kept.key', mesh.gateway.key),
    };
    const still = await startServe('--cert', copy.cert, '--key', copy.key, '-v', '--watch-files=no');
    const { tunl, port } = await startServe('--cert', copy.cert, '--key', copy.key, '-v');
    const through = (at: string, account: string) =>
      runTunl(['connect', '--check', 'localhost:1', '-x', urlOf(at, `&peer=${spiffeId(account)}`)]);
    const { certPem, keyPem } = await mesh.issue(spiffeId('gateway-3'));
    writeFileSync(copy.cert, certPem);
    await tunl.waitFor(/changed and cannot be used, the old ones stay: --key .* is not the key of/);
    // The port is closed, so 7 is the answer of a server that was believed.
    expect((await through(port, 'gateway')).code).not.toBe(60);
    writeFileSync(copy.key, keyPem);
    await tunl.waitFor(/changed, and were read again/);
    expect((await through(port, 'gateway')).code).toBe(60);
    expect((await through(still.port, 'gateway')).code).not.toBe(60);
  });
});

test('a cap that a ztunnel does not look at is warned of', async () => {
  const low = await startServe('--max-tunnels-per-session', '99');
  await low.tunl.waitFor(/--max-tunnels-per-session 99 is low for --hbone: a ztunnel puts 100 tunnels into a session/);
  const { tunl } = await startServe('--max-tunnels-per-session', '100');
  tunl.child.kill('SIGTERM');
  expect((await tunl.ended).stderr).not.toContain('is low');
});

describe('words that cannot be meant', () => {
  const url = urlOf('15008');

  test.each<[string, string[], RegExp]>([
    ['an unchecked server', ['connect', 'a:1', '-x', `${url}&insecure`], /insecure cannot be set/],
    ['an id that is none', ['connect', 'a:1', '-x', `${url}&peer=spiffe://a/b`], /is not spiffe:\/\/TRUST-DOMAIN/],
    [
      'a source that there is not',
      ['connect', 'a:1', '-x', `${url}&source=pod`],
      /not one of waypoint, gateway, sidecar/,
    ],
    ['a user', ['connect', 'a:1', '-x', url.replace('//', '//u:p@')], /has no place for one/],
    ['no certificate of a server', ['serve', '--hbone', '--client-ca', clientCa], /--cert and --key are needed/],
    ['no authorities of clients', ['serve', '--hbone', '--cert', cert, '--key', key], /--client-ca is needed/],
    [
      'a second carrier',
      ['serve', '--hbone', '--post', '--cert', cert, '--key', key, '--client-ca', clientCa],
      /--post cannot go with it/,
    ],
    [
      'tunnels that outlive their connections',
      ['serve', '--hbone', '--resume', '10m', '--cert', cert, '--key', key, '--client-ca', clientCa],
      /--hbone cannot go with --resume/,
    ],
    ['a switch of a server that is none', ['serve', '--hbone-local'], /--hbone-local needs --hbone/],
    ['a version that there is not', ['serve', '--proxy-protocol', 'v3'], /"v3" is neither v1 nor v2/],
  ])('%s', async (_, words, message) => {
    const { code, stderr } = await runTunl(words);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

test('a switch without a value is taken', async () => {
  const { code, stderr } = await runTunl(['connect', 'a:1', '-x', `${urlOf('1')}&nest&forwarded=no`]);
  expect([code, stderr]).toEqual([7, expect.stringMatching(/connection refused/)]);
});
