import { onTestFinished } from 'vitest';
import { listen } from '../../../src/listeners/socket.ts';
import { type Link, resetError } from '../../../src/core/link.ts';
import { relay } from '../../../src/relay/relay.ts';
import { createTlsServer, type TlsAcceptor } from '../../../src/tls/server.ts';
import { direct, makeContext } from '../harness/link-pairs.ts';

/** A TLS terminator in front of a cleartext server. */
export interface TlsTerminator {
  readonly port: number;
  /** The pin of its certificate, which is made for this run. */
  readonly pin: string;
}

/** Starts a terminator in front of a port of 127.0.0.1; it accepts only these ALPN protocols. */
export async function startTlsTerminator(serverPort: number, alpn: readonly string[]): Promise<TlsTerminator> {
  const acceptor = await createTlsServer({ alpn });
  const listener = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (link) => {
    terminate(acceptor, link, serverPort).catch(() => link.reset(resetError('no TLS')));
  });
  onTestFinished(() => listener.close());
  return { port: listener.address.kind === 'tcp' ? listener.address.port : 0, pin: acceptor.pin };
}

async function terminate(acceptor: TlsAcceptor, link: Link, serverPort: number): Promise<void> {
  const client = await acceptor.accept(link, new AbortController().signal);
  const server = { kind: 'tcp', host: '127.0.0.1', port: serverPort } as const;
  relay(client, await direct(server, makeContext(server)), { idleMs: 0, lingerMs: 0 });
}
