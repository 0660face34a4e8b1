import type { Duplex } from 'node:stream';
import type { TcpAddress } from '../core/address.ts';
import type { Credentials } from '../core/secret.ts';
import { readBytes } from './bytes.ts';
import { formatGreeting, formatLogin, formatSocks4Request, formatSocks5Request } from './client-messages.ts';
import { addressTypes, answers4, methods, versions } from './wire.ts';

/** What became of a request for a tunnel. */
export type Outcome =
  | { readonly kind: 'opened' }
  | { readonly kind: 'refused'; readonly answer: number }
  /** The server accepts none of the ways to log on that were offered. */
  | { readonly kind: 'no-method' }
  | { readonly kind: 'bad-login' }
  /** What came is no answer. */
  | { readonly kind: 'stranger'; readonly received: Buffer };

/**
 * Asks a SOCKS 5 server for a tunnel (RFC 1928, and RFC 1929 for the login). Bytes after the answer stay in the stream.
 * As curl does, it ignores the bytes of answers that say nothing. A password is offered besides no login at all.
 * @throws {ShortRead} if the server closes before its answer
 * @throws {TunlError} usage, before anything is sent; the signal's reason
 */
export async function askSocks5(
  stream: Duplex,
  address: TcpAddress,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  // Both first: what cannot be sent is refused before the server hears of it.
  const [request, login] = [formatSocks5Request(address), credentials && formatLogin(credentials)];
  const offered = [methods.none, ...(login ? [methods.password] : [])];
  stream.write(formatGreeting(offered));
  const choice = await readBytes(stream, 2, signal);
  const [version, method = methods.unacceptable] = choice;
  if (version !== versions.socks5) return { kind: 'stranger', received: choice };
  if (method === methods.unacceptable) return { kind: 'no-method' };
  if (!offered.some((one) => one === method)) return { kind: 'stranger', received: choice };
  if (method === methods.password && login) {
    stream.write(login);
    const [, status] = await readBytes(stream, 2, signal);
    if (status !== 0) return { kind: 'bad-login' };
  }
  stream.write(request);
  const head = await readBytes(stream, 2, signal);
  const [answerVersion, answer = 0] = head;
  if (answerVersion !== versions.socks5) return { kind: 'stranger', received: head };
  // The rest of a refusal has nothing to tell, and some servers leave it out.
  if (answer !== 0) return { kind: 'refused', answer };
  return (await skipAddress(stream, signal)) ? { kind: 'opened' } : { kind: 'stranger', received: head };
}

/** Reads the address from which the server has connected; false if it is of no known kind. */
async function skipAddress(stream: Duplex, signal: AbortSignal): Promise<boolean> {
  const [, type, first = 0] = await readBytes(stream, 3, signal);
  // A port of two bytes follows; the first byte of the address is already read.
  switch (type) {
    case addressTypes.ipv4:
      await readBytes(stream, 3 + 2, signal);
      return true;
    case addressTypes.ipv6:
      await readBytes(stream, 15 + 2, signal);
      return true;
    case addressTypes.name:
      await readBytes(stream, first + 2, signal);
      return true;
    default:
      return false;
  }
}

/**
 * Asks a SOCKS 4 server for a tunnel: by SOCKS 4a if the address has a name. Bytes after the answer stay in the stream.
 * @throws {ShortRead} if the server closes before its answer
 * @throws {TunlError} usage, before anything is sent; the signal's reason
 */
export async function askSocks4(
  stream: Duplex,
  address: TcpAddress,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  stream.write(formatSocks4Request(address, credentials?.user));
  const head = await readBytes(stream, 2, signal);
  const [version, answer = 0] = head;
  if (version !== versions.socks4Answer) return { kind: 'stranger', received: head };
  if (answer !== answers4.granted) return { kind: 'refused', answer };
  await readBytes(stream, 6, signal);
  return { kind: 'opened' };
}
