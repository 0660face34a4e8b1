import { connect } from 'node:net';
import { startTarget } from '../../support/targets/plain.ts';
import type { Part } from './part.ts';

/** A way to a proxy on which its 407s are counted. */
export interface Counted {
  readonly port: number;
  /** How often the proxy has asked who its client is. */
  readonly asked: () => number;
}

/** Starts a proxy of bytes in front of a proxy, until the test is over. */
export async function countAsking({ port }: Part): Promise<Counted> {
  let asked = 0;
  const counter = await startTarget((socket) => {
    const upstream = connect({ host: '127.0.0.1', port });
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('data', (chunk) => void (chunk.toString('latin1').startsWith('HTTP/1.1 407 ') && asked++));
    socket.pipe(upstream).pipe(socket);
  });
  return { port: counter.port, asked: () => asked };
}
