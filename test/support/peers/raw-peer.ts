import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { type Link } from '../../../src/core/link.ts';
import { socketLink } from '../../../src/core/socket-link.ts';
import { type FarEnd, Inbox } from '../inbox.ts';

/** One end of a byte stream, written and read by a test step by step. */
export class RawPeer {
  readonly stream: Duplex;
  readonly inbox: Inbox;
  readonly #reset: Link['reset'];

  /** It reads from the start, unless told to wait for `stream.resume()`. */
  constructor(link: Pick<Link, 'stream' | 'reset'>, { reading = true } = {}) {
    this.stream = link.stream;
    this.inbox = new Inbox(link.stream);
    this.#reset = (error) => link.reset(error);
    if (reading) this.stream.resume();
    else this.stream.pause();
  }

  send(data: string | Buffer): void {
    this.stream.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Ends the written half; the other one stays open. */
  fin(): void {
    this.stream.end();
  }

  reset(): void {
    this.#reset(Object.assign(new Error('reset by the test'), { code: 'ECONNRESET' }));
  }

  /** Takes everything up to and including the marker. */
  async readUntil(marker: string): Promise<string> {
    const { inbox } = this;
    const end = await inbox.until(JSON.stringify(marker), () => {
      const at = inbox.pending.indexOf(marker, 0, 'latin1');
      return at < 0 ? undefined : at + marker.length;
    });
    return inbox.take(end).toString('latin1');
  }

  /** Takes the head of an HTTP message. */
  readHead(): Promise<string> {
    return this.readUntil('\r\n\r\n');
  }

  /** Takes exactly this number of bytes. */
  async read(bytes: number): Promise<Buffer> {
    const { inbox } = this;
    return inbox.take(await inbox.until(`${bytes} bytes`, () => (inbox.size >= bytes ? bytes : undefined)));
  }

  /** Takes everything up to the far side's clean end; any other end is a failure. */
  async readToEnd(): Promise<Buffer> {
    const end = await this.waitForEnd();
    if (end !== 'fin') throw new Error(`expected a clean end, but ${this.inbox.describe()}`);
    return this.inbox.take(this.inbox.size);
  }

  /** Waits until the far side's half is over, and returns its first ending. */
  waitForEnd(): Promise<FarEnd> {
    const { inbox } = this;
    return inbox.until('the end', () => (inbox.farEnd === 'open' ? undefined : inbox.farEnd));
  }
}

/**
 * Connects to a port of 127.0.0.1. If the connection is still open after the test, it is destroyed.
 * @param options `from` is an address of this machine: on Linux every one of 127.0.0.0/8
 */
export async function connectPeer(
  port: number,
  { from, ...options }: { reading?: boolean; from?: string } = {},
): Promise<RawPeer> {
  const source = from === undefined ? {} : { localAddress: from };
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true, ...source });
  onTestFinished(() => void socket.destroy());
  const peer = new RawPeer(socketLink(socket, {}), options);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return peer;
}

/** Connects over TLS and accepts any certificate; `own` is what it shows. */
export async function connectTlsPeer(
  port: number,
  alpn: readonly string[] = ['http/1.1'],
  own: Pick<ConnectionOptions, 'cert' | 'key' | 'servername'> = {},
): Promise<RawPeer> {
  const { stream } = await connectPeer(port, { reading: false });
  const socket = connectTls({ socket: stream, ALPNProtocols: [...alpn], rejectUnauthorized: false, ...own });
  socket.allowHalfOpen = true;
  const peer = new RawPeer({ stream: socket, reset: () => void (stream as Socket).resetAndDestroy() });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return peer;
}
