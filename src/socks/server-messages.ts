import type { Duplex } from 'node:stream';
import { formatIp } from '../core/ip.ts';
import { decodeOctets } from '../core/octets.ts';
import { type Credentials, Secret } from '../core/secret.ts';
import { readBytes } from './bytes.ts';
import { addressTypes, maxTextBytes, versions } from './wire.ts';

/** Thrown for bytes of a client that are no message of SOCKS. */
export class MalformedMessage extends Error {}

/** A host and a port as they were sent: an IP address without brackets, or any text in the place of a name. */
export interface SocksAddress {
  readonly host: string;
  readonly port: number;
}

/** A request; `address` is absent if its kind, and so its length, is unknown. */
export interface SocksRequest {
  readonly command: number;
  readonly address?: SocksAddress;
}

/**
 * Waits for the first byte of a client, and leaves it in the stream.
 * @throws {ShortRead} or what `readBytes` throws
 */
export async function peekByte(stream: Duplex, signal: AbortSignal): Promise<number> {
  const first = await readBytes(stream, 1, signal);
  stream.unshift(first);
  return byteOf(first);
}

/**
 * Reads the first message of a client of SOCKS 5: the ways to log on that it offers (RFC 1928, section 3).
 * @throws {MalformedMessage} or what `readBytes` throws
 */
export async function readGreeting(stream: Duplex, signal: AbortSignal): Promise<readonly number[]> {
  await readVersion(stream, versions.socks5, signal);
  return [...(await readCounted(stream, signal))];
}

/** Writes the way to log on that the server chooses. */
export function formatMethod(method: number): Buffer {
  return Buffer.of(versions.socks5, method);
}

/**
 * Reads a user and a password (RFC 1929, section 2); both may be empty.
 * @throws {MalformedMessage} or what `readBytes` throws
 */
export async function readLogin(stream: Duplex, signal: AbortSignal): Promise<Credentials> {
  await readVersion(stream, versions.login, signal);
  const user = await readCounted(stream, signal);
  const password = await readCounted(stream, signal);
  return { user: decodeOctets(user), password: new Secret(decodeOctets(password)) };
}

/** Writes whether a login is right (RFC 1929, section 2). */
export function formatVerdict(isRight: boolean): Buffer {
  return Buffer.of(versions.login, isRight ? 0 : 1);
}

/**
 * Reads a request of SOCKS 5 (RFC 1928, section 4).
 * @throws {MalformedMessage} or what `readBytes` throws
 */
export async function readRequest5(stream: Duplex, signal: AbortSignal): Promise<SocksRequest> {
  await readVersion(stream, versions.socks5, signal);
  const [command = 0, , type] = await readBytes(stream, 3, signal);
  switch (type) {
    case addressTypes.ipv4:
      return { command, address: await readAddress(stream, formatIp(await readBytes(stream, 4, signal)), signal) };
    case addressTypes.ipv6:
      return { command, address: await readAddress(stream, formatIp(await readBytes(stream, 16, signal)), signal) };
    case addressTypes.name: {
      const name = await readCounted(stream, signal);
      return { command, address: await readAddress(stream, name.toString('latin1'), signal) };
    }
    default:
      return { command };
  }
}

/** Writes an answer of SOCKS 5. The address from which the target was reached concerns nobody: it is `0.0.0.0:0`. */
export function formatAnswer5(answer: number): Buffer {
  return Buffer.of(versions.socks5, answer, 0, addressTypes.ipv4, 0, 0, 0, 0, 0, 0);
}

/**
 * Reads a request of SOCKS 4: the user, who has no password, is passed over. An address 0.0.0.x whose x is not 0 stands
 * for a name that follows: that is SOCKS 4a.
 * @throws {MalformedMessage} or what `readBytes` throws
 */
export async function readRequest4(stream: Duplex, signal: AbortSignal): Promise<Required<SocksRequest>> {
  await readVersion(stream, versions.socks4, signal);
  const head = await readBytes(stream, 7, signal);
  const [command = 0, port, ip] = [head[0], head.readUInt16BE(1), head.subarray(3)];
  await readText(stream, signal);
  const isNamed = ip[3] !== 0 && ip.subarray(0, 3).every((byte) => byte === 0);
  return { command, address: { host: isNamed ? await readText(stream, signal) : formatIp(ip), port } };
}

/** Writes an answer of SOCKS 4; its port and address say nothing. */
export function formatAnswer4(answer: number): Buffer {
  return Buffer.of(versions.socks4Answer, answer, 0, 0, 0, 0, 0, 0);
}

async function readVersion(stream: Duplex, version: number, signal: AbortSignal): Promise<void> {
  const first = byteOf(await readBytes(stream, 1, signal));
  if (first !== version) throw new MalformedMessage(`a message begins with ${first} in place of ${version}`);
}

async function readCounted(stream: Duplex, signal: AbortSignal): Promise<Buffer> {
  const count = byteOf(await readBytes(stream, 1, signal));
  return count === 0 ? Buffer.alloc(0) : readBytes(stream, count, signal);
}

/** Reads a text that ends with a NUL. */
async function readText(stream: Duplex, signal: AbortSignal): Promise<string> {
  const bytes: number[] = [];
  for (;;) {
    const byte = byteOf(await readBytes(stream, 1, signal));
    if (byte === 0) return Buffer.from(bytes).toString('latin1');
    if (bytes.push(byte) > maxTextBytes) throw new MalformedMessage(`a text has more than ${maxTextBytes} bytes`);
  }
}

async function readAddress(stream: Duplex, host: string, signal: AbortSignal): Promise<SocksAddress> {
  return { host, port: (await readBytes(stream, 2, signal)).readUInt16BE(0) };
}

function byteOf(bytes: Buffer): number {
  return bytes.readUInt8(0);
}
