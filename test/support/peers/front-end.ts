import { once } from 'node:events';
import { connect as connectHttp2, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type Link, resetError } from '../../../src/core/link.ts';
import { listen } from '../../../src/listeners/socket.ts';
import { relay } from '../../../src/relay/relay.ts';
import { createTlsServer } from '../../../src/tls/server.ts';
import { direct, makeContext } from '../harness/link-pairs.ts';

/** One of the ways in which a client may ask: its version of HTTP, and its method or that it asks for poll. */
export type Way = 'h2 CONNECT' | 'h2 POST' | 'h1 CONNECT' | 'h1 GET' | 'h1 POST' | 'h1 poll';

/**
 * What a front end does with a request: refuses it with a status, says nothing, accepts it and says nothing more, closes
 * the connection, or passes it on, perhaps after a while.
 */
export type Manner = number | 'silent' | 'hollow' | 'closes' | { readonly passesAfterMs: number };

/** A request that a front end has seen. */
export interface SeenRequest {
  readonly way: Way;
  /** The credentials that came with it. */
  readonly login: string | undefined;
}

/** A front end with TLS before a server. */
export interface FrontEnd {
  readonly port: number;
  /** The pin of its certificate, which is made for this run. */
  readonly pin: string;
  readonly seen: readonly SeenRequest[];
  /** How it treats each way. */
  readonly manners: Partial<Record<Way, Manner>>;
}

/** Starts a front end before a cleartext server; it passes on what `manners` says nothing about. */
export async function startFrontEnd(
  serverPort: number,
  manners: Partial<Record<Way, Manner>> = {},
  alpn: readonly string[] = ['h2', 'http/1.1'],
): Promise<FrontEnd> {
  const acceptor = await createTlsServer({ alpn });
  const seen: SeenRequest[] = [];
  const decide = async (way: Way, headers: IncomingHttpHeaders): Promise<Exclude<Manner, object> | 'passes'> => {
    seen.push({ way, login: headers['proxy-authorization'] ?? headers.authorization });
    const manner = manners[way] ?? 'passes';
    if (typeof manner !== 'object') return manner;
    await delay(manner.passesAfterMs);
    return 'passes';
  };
  const http2 = createServer();
  http2.on('stream', (stream, headers) => {
    const way: Way = headers[':method'] === 'CONNECT' ? 'h2 CONNECT' : 'h2 POST';
    stream.on('error', () => {});
    void decide(way, headers).then((manner) => {
      if (manner === 'passes') passStream(stream, headers, serverPort);
      else if (manner === 'closes') stream.session?.destroy();
      else if (manner === 'hollow') stream.respond({ ':status': 200 });
      else if (manner !== 'silent') stream.respond({ ':status': manner }, { endStream: true });
    });
  });
  http2.on('session', (session) => void session.on('error', () => {}));
  const listener = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (accepted) => {
    let top = accepted;
    onTestFinished(() => top.reset(resetError('the test is over')));
    void acceptor.accept(accepted, new AbortController().signal).then(
      (link) => {
        top = link;
        const { stream } = link;
        stream.on('error', () => {});
        if (link.peer.tls?.alpn === 'h2') http2.emit('connection', stream);
        else serveOne(link, decide, serverPort).catch(() => link.reset(resetError('no server')));
      },
      () => accepted.reset(resetError('no TLS')),
    );
  });
  onTestFinished(() => listener.close());
  return { port: listener.address.kind === 'tcp' ? listener.address.port : 0, pin: acceptor.pin, seen, manners };
}

/** Serves the one request of a connection in HTTP/1.1. */
async function serveOne(
  link: Link,
  decide: (way: Way, headers: IncomingHttpHeaders) => Promise<Exclude<Manner, object> | 'passes'>,
  serverPort: number,
): Promise<void> {
  const { stream } = link;
  let head = '';
  while (!head.includes('\r\n\r\n')) {
    const chunk = (stream.read() as Buffer | null) ?? undefined;
    if (chunk) head += chunk.toString('latin1');
    else if (stream.readableEnded || stream.destroyed) return;
    else await Promise.race([once(stream, 'readable'), once(stream, 'end'), once(stream, 'close')]).catch(() => {});
  }
  const [line = '', ...fields] = head.split('\r\n');
  const headers = Object.fromEntries(
    fields
      .filter(Boolean)
      .map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]),
  );
  const way = line.includes('/poll/') ? 'poll' : line.split(' ')[0];
  const manner = await decide(`h1 ${way}` as Way, headers);
  if (manner === 'silent') return;
  if (manner === 'closes') return void stream.end();
  if (manner === 'hollow') return void stream.write('HTTP/1.1 200 OK\r\n\r\n');
  if (typeof manner === 'number') return void stream.end(`HTTP/1.1 ${manner} No\r\nContent-Length: 0\r\n\r\n`);
  stream.unshift(head, 'latin1');
  const server = { kind: 'tcp', host: '127.0.0.1', port: serverPort } as const;
  relay(link, await direct(server, makeContext(server)), { idleMs: 0, lingerMs: 0 });
}

/** Passes a stream of HTTP/2 on, over a connection of its own. */
function passStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, serverPort: number): void {
  const session = connectHttp2(`http://127.0.0.1:${serverPort}`);
  session.on('error', () => stream.close(2));
  const upstream = session.request(headers, { endStream: false });
  upstream.on('error', () => stream.close(2));
  upstream.on('response', ({ ':status': status, ...fields }) => {
    if (stream.destroyed) return;
    stream.respond({ ':status': status, ...fields });
    upstream.pipe(stream);
  });
  stream.pipe(upstream);
  stream.once('close', () => {
    upstream.close(stream.rstCode);
    session.close();
  });
}
