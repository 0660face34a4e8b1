import { join } from 'node:path';
import { schemes } from '../src/carriers/index.ts';
import type { Address } from '../src/core/address.ts';
import { linkPair } from '../src/core/link.ts';
import type { OnLink } from '../src/core/listener.ts';
import { listen } from '../src/listeners/socket.ts';
import { carrierContract } from './conformance/carrier-contract.ts';
import { linkContract } from './conformance/link-contract.ts';
import { listenerContract } from './conformance/listener-contract.ts';
import { makeStartBed, makeTunnelPair } from './support/harness/carrier-bed.ts';
import { direct, makeContext, makeTcpPair, makeUnixPair } from './support/harness/link-pairs.ts';
import { makeTempFolder } from './support/temp.ts';

linkContract('a pair in memory', async () => {
  const [first, second] = linkPair();
  return { first, second };
});
linkContract('a TCP connection', makeTcpPair);
// The kernel has no reset for Unix sockets: the far side sees an end, whatever we do.
linkContract('a Unix socket', makeUnixPair, { reset: 'none' });

linkContract('a tunnel over http://', () => makeTunnelPair(makeStartBed('http')));

const listenDirect = (address: Address, onLink: OnLink = () => {}) => listen(address, onLink);
const dialDirect = (address: Address) => direct(address, makeContext(address));
listenerContract('a TCP listener', {
  listen: (onLink) => listenDirect({ kind: 'tcp', host: '127.0.0.1', port: 0 }, onLink),
  dial: dialDirect,
  listenAgain: listenDirect,
});
listenerContract('a Unix listener', {
  listen: (onLink) => listenDirect({ kind: 'unix', path: join(makeTempFolder(), 'socket') }, onLink),
  dial: dialDirect,
  listenAgain: listenDirect,
});

for (const { scheme, carrier } of schemes) carrierContract(`${scheme}://`, makeStartBed(scheme), carrier);
