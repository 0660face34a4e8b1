import { onTestFinished } from 'vitest';
import { type Link, resetError } from '../../../src/core/link.ts';
import { listen } from '../../../src/listeners/socket.ts';
import { createTlsServer } from '../../../src/tls/server.ts';
import { inTime } from '../eventually.ts';
import { preface } from './h2-frames.ts';
import { Http2Peer } from './h2-peer.ts';
import { RawPeer } from './raw-peer.ts';

/** A proxy behind TLS, played by the test. */
export interface TlsProxy {
  readonly port: number;
  /** Of its certificate, which was made for this run. */
  readonly pin: string;
  /** What was agreed on with each connection so far, in order. */
  readonly agreed: readonly string[];
  /** The next connection, which must be of HTTP/1.1, once its TLS is there. */
  accept(): Promise<RawPeer>;
  /** The next connection, which must be of HTTP/2; its preface is read and our settings are sent. */
  acceptHttp2(): Promise<Http2Peer>;
}

/** Starts a proxy that agrees on these protocols, in its own order. */
export async function startTlsProxy(alpn: readonly string[] = ['h2', 'http/1.1']): Promise<TlsProxy> {
  const acceptor = await createTlsServer({ alpn });
  const agreed: string[] = [];
  const waiting: Link[] = [];
  let wake: () => void = () => {};
  const links = new Set<Link>();
  const listener = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (link) => {
    links.add(link);
    void acceptor.accept(link, new AbortController().signal).then(
      (secured) => {
        agreed.push(secured.peer.tls?.alpn ?? 'none');
        waiting.push(secured);
        wake();
      },
      () => link.reset(resetError('no TLS')),
    );
  });
  onTestFinished(async () => {
    for (const link of links) link.reset(resetError('the test is over'));
    await listener.close();
  });
  const next = async () => {
    if (waiting.length === 0) await inTime('a connection to the proxy', new Promise<void>((done) => (wake = done)));
    return new RawPeer(waiting.shift() as Link);
  };
  return {
    port: listener.address.kind === 'tcp' ? listener.address.port : 0,
    pin: acceptor.pin,
    agreed,
    accept: next,
    async acceptHttp2() {
      const peer = new Http2Peer(await next());
      await peer.raw.read(preface.length);
      peer.settings([]);
      return peer;
    },
  };
}
