import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Address } from '../../src/core/address.ts';
import type { DialContext } from '../../src/core/dialer.ts';
import { type Link, resetError } from '../../src/core/link.ts';
import { createDirect } from '../../src/dial/direct.ts';
import { createResolve } from '../../src/dial/resolve.ts';
import { listen } from '../../src/listeners/socket.ts';
import { inTime } from './eventually.ts';
import { makeTempFolder } from './temp.ts';

/** The project's own way to reach an address of this machine. */
export const direct = createDirect({ resolve: createResolve({}), dnsMs: 2000, connectMs: 2000 });

/** The context of a dial that a test makes. */
export function makeContext(target: Address, signal: AbortSignal = new AbortController().signal): DialContext {
  return { signal, target, origin: { peer: {} } };
}

/** Two Links joined by a socket, from our own listener and our own dial. */
export async function makeSocketPair(address: Address): Promise<{ first: Link; second: Link }> {
  let onLink: (link: Link) => void = () => {};
  const arrival = new Promise<Link>((resolve) => (onLink = resolve));
  const listener = await listen(address, (link) => onLink(link));
  onTestFinished(() => listener.close());
  const first = await direct(listener.address, makeContext(listener.address));
  const second = await inTime('the connection at the listener', arrival);
  onTestFinished(() => [first, second].forEach((link) => link.reset(resetError('the test is over'))));
  return { first, second };
}

/** Two Links joined by a TCP connection over loopback. */
export function makeTcpPair(): Promise<{ first: Link; second: Link }> {
  return makeSocketPair({ kind: 'tcp', host: '127.0.0.1', port: 0 });
}

/** Two Links joined by a Unix socket. */
export function makeUnixPair(): Promise<{ first: Link; second: Link }> {
  return makeSocketPair({ kind: 'unix', path: join(makeTempFolder(), 'socket') });
}
