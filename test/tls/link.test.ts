import { afterAll } from 'vitest';
import { linkPair } from '../../src/core/link.ts';
import { linkContract } from '../conformance/link-contract.ts';
import { makeCerts } from '../support/certs/certs.ts';
import { makeTcpPair, makeUnixPair } from '../support/harness/link-pairs.ts';
import { makeTlsPair } from '../support/harness/tls-pairs.ts';

const certs = await makeCerts();
afterAll(() => certs.remove());

linkContract('TLS over a TCP connection', async () => makeTlsPair(certs, await makeTcpPair()));
linkContract('TLS over a pair in memory', () => makeTlsPair(certs, makeMemoryPair()));
linkContract('TLS over TLS over a TCP connection', async () =>
  makeTlsPair(certs, await makeTlsPair(certs, await makeTcpPair())),
);
linkContract('TLS over TLS over a pair in memory', async () =>
  makeTlsPair(certs, await makeTlsPair(certs, makeMemoryPair())),
);
// The kernel has no reset for Unix sockets, and Node no difference between an end of TLS and one of the socket.
linkContract('TLS over a Unix socket', async () => makeTlsPair(certs, await makeUnixPair()), { reset: 'none' });

function makeMemoryPair() {
  const [first, second] = linkPair();
  return { first, second };
}
