import { connect, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { IssuedCertificate } from '../certs/certs.ts';
import { startTarget, type Target } from '../targets/plain.ts';

/** What a proxy does to the tunnels that it opens. Its names of targets are its own: `reach` maps them to local ports. */
export interface TunnelManner {
  /** Local ports by `HOST:PORT`, as they are asked for. Others cannot be connected to, which is a 502. */
  readonly reach: Readonly<Record<string, number>>;
  /** The only ports to which tunnels open; others are a 403. */
  readonly ports?: readonly number[];
  /** Fields of the answers. */
  readonly fields?: readonly string[];
  /** Answers 200 whatever the target is, and then: says nothing, or ends. */
  readonly hollow?: 'silent' | 'ended';
  /** First bytes that are no TLS end a tunnel. */
  readonly tlsOnly?: true;
  /** Opens TLS to the target, and shows a certificate of its own. */
  readonly intercept?: IssuedCertificate;
  /** A tunnel in which nothing moves ends after so many milliseconds. */
  readonly idleMs?: number;
  /** Every tunnel ends after so many milliseconds. */
  readonly lifeMs?: number;
  /** Answers are held back for so many milliseconds. */
  readonly holdMs?: number;
  /** The end of one half is the end of both. */
  readonly noHalfClose?: true;
}

/** Starts a proxy of this manner, for tunnels only. */
export function startManneredProxy(manner: TunnelManner): Promise<Target> {
  return startTarget((socket) => serve(socket, manner));
}

function serve(client: Socket, manner: TunnelManner): void {
  client.once('data', (head: Buffer) => {
    const [, place = ''] = /^CONNECT (\S+) /.exec(head.toString('latin1')) ?? [];
    const { reach, ports, fields = [], hollow } = manner;
    const answer = (line: string, more: readonly string[] = []) =>
      client.write([`HTTP/1.1 ${line}`, ...fields, ...more, '', ''].join('\r\n'));
    const refuse = (line: string, body: string) => {
      answer(line, [`Content-Length: ${body.length}`]);
      client.end(body);
    };
    const port = reach[place];
    if (ports && !ports.includes(Number(place.split(':').at(-1)))) return refuse('403 Forbidden', 'not this port');
    if (hollow) {
      answer('200 OK');
      if (hollow === 'ended') client.end();
      else client.resume().once('end', () => client.end());
      return;
    }
    if (port === undefined) return refuse('502 Bad Gateway', 'connection refused');
    const target = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    for (const socket of [client, target]) socket.on('error', () => socket.destroy());
    client.once('close', () => target.destroy());
    target.once('close', (hasFailed) => hasFailed && client.destroy());
    target.once('connect', () => {
      answer('200 OK');
      if (manner.intercept) interceptTls(client, target, manner.intercept);
      else join(client, target, manner);
    });
  });
}

function join(client: Socket, target: Socket, manner: TunnelManner): void {
  const { tlsOnly, idleMs, lifeMs, holdMs, noHalfClose } = manner;
  const cut = () => {
    client.destroy();
    target.destroy();
  };
  if (idleMs !== undefined) {
    const timer = setTimeout(cut, idleMs);
    for (const socket of [client, target]) socket.on('data', () => timer.refresh());
    client.once('close', () => clearTimeout(timer));
  }
  if (lifeMs !== undefined) {
    const timer = setTimeout(cut, lifeMs);
    client.once('close', () => clearTimeout(timer));
  }
  let isFirst = true;
  client.on('data', (chunk: Buffer) => {
    if (isFirst && tlsOnly && chunk[0] !== 0x16) return cut();
    isFirst = false;
    target.write(chunk);
  });
  target.on('data', (chunk: Buffer) => {
    if (holdMs === undefined) client.write(chunk);
    else setTimeout(() => client.write(chunk), holdMs);
  });
  client.once('end', () => (noHalfClose ? cut() : target.end()));
  target.once('end', () => (noHalfClose ? cut() : setTimeout(() => client.end(), holdMs ?? 0)));
}

function interceptTls(client: Socket, target: Socket, { certPem, keyPem }: IssuedCertificate): void {
  const inner = createTlsServer({ cert: certPem, key: keyPem }, (opened) => {
    const outer = connectTls({ socket: target, rejectUnauthorized: false });
    for (const socket of [opened, outer]) socket.on('error', () => socket.destroy());
    opened.pipe(outer).pipe(opened);
  });
  inner.on('tlsClientError', () => client.destroy());
  inner.emit('connection', client);
}
