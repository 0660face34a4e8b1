import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { secure } from '../../../src/tls/client.ts';
import { loadTls } from '../../../src/tls/material/material.ts';
import { createTlsServer } from '../../../src/tls/server.ts';
import { makeCerts } from '../../support/certs/certs.ts';
import { makeTcpPair } from '../../support/harness/link-pairs.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());
const never = new AbortController().signal;

const [aes128, aes256, chacha] = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const [oldAes128, oldAes256, oldChacha] = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
];

test.each([
  ['takes AES-128 before AES-256', 'TLSv1.3', [aes256, chacha, aes128], aes128],
  ['takes AES-256 from a client that has no AES-128', 'TLSv1.3', [aes256, chacha], aes256],
  ['takes ChaCha20 from a client that offers it first', 'TLSv1.3', [chacha, aes256, aes128], chacha],
  ['takes AES-128 before AES-256', 'TLSv1.2', [oldAes256, oldChacha, oldAes128], oldAes128],
  ['takes ChaCha20 from a client that offers it first', 'TLSv1.2', [oldChacha, oldAes256, oldAes128], oldChacha],
] as const)('a server %s in %s', async (_, maxVersion, offered, expected) => {
  const { first, second } = await makeTcpPair();
  const { cert, key } = certs.server;
  const accepting = (await createTlsServer({ cert, key, alpn: [] })).accept(second, never);
  const ciphers = offered.join(':');
  const client = connectTls({ socket: first.stream, rejectUnauthorized: false, maxVersion, ciphers });
  await accepting;
  expect(client.getCipher().name).toBe(expected);
});

test('our client offers AES-128 first', async () => {
  const { first, second } = await makeTcpPair();
  const secureContext = createSecureContext({
    cert: certs.server.certPem,
    key: certs.server.keyPem,
    honorCipherOrder: false,
  });
  const server = new TLSSocket(second.stream, { isServer: true, secureContext });
  await secure(first, { host: 'localhost', settings: await loadTls({ cacert: certs.ca.cert }), alpn: [] }, never);
  expect(server.getCipher().name).toBe(aes128);
});

test.each([aes256, chacha])('our client speaks to a server that has %s alone', async (ciphers) => {
  const { first, second } = await makeTcpPair();
  const secureContext = createSecureContext({ cert: certs.server.certPem, key: certs.server.keyPem, ciphers });
  const server = new TLSSocket(second.stream, { isServer: true, secureContext });
  await secure(first, { host: 'localhost', settings: await loadTls({ cacert: certs.ca.cert }), alpn: [] }, never);
  expect(server.getCipher().name).toBe(ciphers);
});
