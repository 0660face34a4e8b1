import { linkPair } from '../src/core/link.ts';
import { linkContract } from './conformance/link-contract.ts';
import { makeTcpPair, makeUnixPair } from './support/link-pairs.ts';

linkContract('a pair in memory', async () => {
  const [first, second] = linkPair();
  return { first, second };
});
linkContract('a TCP connection', makeTcpPair);
// The kernel has no reset for Unix sockets: the far side sees an end, whatever we do.
linkContract('a Unix socket', makeUnixPair, { reset: 'none' });
