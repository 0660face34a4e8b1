import { onTestFinished } from 'vitest';
import { type Link, resetError } from '../../../src/core/link.ts';
import { listen } from '../../../src/listeners/socket.ts';
import { createTlsServer } from '../../../src/tls/server.ts';
import { inTime } from '../eventually.ts';
import { preface } from './h2-frames.ts';
import { Http2Peer, type Setting } from './h2-peer.ts';
import { RawPeer } from './raw-peer.ts';

/** A proxy with TLS, played by the test. */
export interface TlsProxy {
  readonly port: number;
  /** The pin of its certificate, which is made for this run. */
  readonly pin: string;
  /** The ALPN protocol of each connection so far, in order. */
  readonly agreed: readonly string[];
  /** Waits for the next connection, which must use HTTP/1.1, and its TLS handshake. */
  accept(): Promise<RawPeer>;
  /** Waits for the next connection, which must use HTTP/2; reads its preface and sends our settings. */
  acceptHttp2(settings?: readonly Setting[]): Promise<Http2Peer>;
}

/** Starts a proxy that accepts these ALPN protocols, in its own order of preference. */
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
    async acceptHttp2(settings = []) {
      const peer = new Http2Peer(await next());
      await peer.raw.read(preface.length);
      peer.settings(settings);
      return peer;
    },
  };
}
