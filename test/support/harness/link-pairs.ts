import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Address } from '../../../src/core/address.ts';
import type { DialContext } from '../../../src/core/dialer.ts';
import { type Link, resetError } from '../../../src/core/link.ts';
import { createDirect } from '../../../src/dial/direct.ts';
import { createResolve } from '../../../src/dial/resolve.ts';
import { listen } from '../../../src/listeners/socket.ts';
import { inTime } from '../eventually.ts';
import { makeTempFolder } from '../temp.ts';

/** Our own Dial for addresses of this machine. */
export const direct = createDirect({ resolve: createResolve({}), connectMs: 2000 });

/** Makes the context for a dial of a test. */
export function makeContext(target: Address, signal: AbortSignal = new AbortController().signal): DialContext {
  return { signal, target, origin: { peer: {} } };
}

/** Makes two Links joined by a connection: the one that `dial` returns, and the one that our listener yields. */
export async function makeListenerPair(
  address: Address,
  dial: (address: Address) => Promise<Link>,
): Promise<{ first: Link; second: Link }> {
  let onLink: (link: Link) => void = () => {};
  const arrival = new Promise<Link>((resolve) => (onLink = resolve));
  const listener = await listen(address, (link) => onLink(link));
  onTestFinished(() => listener.close());
  const first = await dial(listener.address);
  const second = await inTime('the connection at the listener', arrival);
  onTestFinished(() => [first, second].forEach((link) => link.reset(resetError('the test is over'))));
  return { first, second };
}

const dialDirect = (address: Address) => direct(address, makeContext(address));

/** Makes two Links joined by a TCP connection over loopback. */
export function makeTcpPair(): Promise<{ first: Link; second: Link }> {
  return makeListenerPair({ kind: 'tcp', host: '127.0.0.1', port: 0 }, dialDirect);
}

/** Makes two Links joined by a Unix socket. */
export function makeUnixPair(): Promise<{ first: Link; second: Link }> {
  return makeListenerPair({ kind: 'unix', path: join(makeTempFolder(), 'socket') }, dialDirect);
}
