import { isIPv4 } from 'node:net';
import { connectPeer, type RawPeer } from './raw-peer.ts';

/** The messages of a client of SOCKS, as bytes. */
export const socks = {
  /** Offers ways to log on in SOCKS 5: 0 is none, 2 a password. */
  greet: (...methods: number[]): Buffer => Buffer.from([5, methods.length, ...methods]),
  login: (user: string, password: string): Buffer => Buffer.concat([Buffer.of(1), counted(user), counted(password)]),
  /** Asks SOCKS 5 for a tunnel; the address is sent as a name unless it is IPv4, or raw bytes with their type. */
  ask5: (host: string | Buffer, port: number, command = 1): Buffer => {
    const address =
      typeof host !== 'string'
        ? host
        : isIPv4(host)
          ? Buffer.from([1, ...host.split('.').map(Number)])
          : Buffer.concat([Buffer.of(3), counted(host)]);
    return Buffer.concat([Buffer.of(5, command, 0), address, toPort(port)]);
  },
  /** Asks SOCKS 4 for a tunnel, or SOCKS 4a if the host is no IPv4 address. */
  ask4: (host: string, port: number, { user = 'me', command = 1 } = {}): Buffer => {
    const [ip, name] = isIPv4(host) ? [host.split('.').map(Number), ''] : [[0, 0, 0, 1], `${host}\0`];
    const head = Buffer.concat([Buffer.of(4, command), toPort(port), Buffer.from(ip)]);
    return Buffer.concat([head, Buffer.from(`${user}\0${name}`, 'latin1')]);
  },
};

/** The bytes of an answer of SOCKS 5 to a request, with this reply. */
export const answer5 = (reply: number): Buffer => Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);

/** The bytes of an answer of SOCKS 4 to a request: 0x5a is a yes. */
export const answer4 = (reply: number): Buffer => Buffer.from([0, reply, 0, 0, 0, 0, 0, 0]);

/** Connects to a front for SOCKS 5 that wants no password, asks for a tunnel, and reads the reply. */
export async function openSocks5(port: number, host: string | Buffer, targetPort: number): Promise<[RawPeer, number]> {
  const client = await connectPeer(port);
  client.send(Buffer.concat([socks.greet(0), socks.ask5(host, targetPort)]));
  const answer = await client.read(12);
  return [client, answer[3] as number];
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function toPort(port: number): Buffer {
  return Buffer.of(port >> 8, port & 0xff);
}
