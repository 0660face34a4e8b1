import type { Duplex } from 'node:stream';
import { isIP } from 'node:net';
import type { TcpAddress } from '../../core/address.ts';
import { abortReason, throwIfAborted } from '../../core/deadline.ts';
import { requestError, TunlError } from '../../core/errors.ts';
import { formatIp, toBytes } from '../../core/ip.ts';
import { proxySignature } from './proxy-protocol.ts';

/** The two ends of a connection, as the PROXY header before its first byte tells them. */
export interface ToldEnds {
  readonly source: TcpAddress;
  readonly destination: TcpAddress;
}

/** What is known of a header: nothing yet, that there is none, or how long it is and what it tells. */
type Finding = 'more' | 'none' | { readonly length: number; readonly ends?: ToldEnds };

const textBegins = Buffer.from('PROXY ', 'latin1');
/** The longest line of version 1, with its end (section 2.1). */
const maxLine = 107;
/** Signature, version and command, family, and the length of the rest (section 2.2). */
const fixedBytes = 16;

/**
 * Finds the PROXY header at the beginning of a connection, in either version (PROXY protocol, sections 2.1 and 2.2). A
 * header that tells no TCP addresses, such as that of a health check (`LOCAL`, `UNKNOWN`), has no `ends`. The additional
 * fields of version 2 are part of its length and are not read.
 * @throws {TunlError} http_request_error, if the bytes begin as a header and are none
 */
export function findProxyHeader(bytes: Buffer): Finding {
  if (isBeginning(bytes, proxySignature)) return bytes.length < fixedBytes ? 'more' : findBinary(bytes);
  if (isBeginning(bytes, textBegins)) return findLine(bytes);
  return 'none';
}

/** True if one of the two begins with the other: enough may be here to tell, or not yet. */
function isBeginning(bytes: Buffer, whole: Buffer): boolean {
  const length = Math.min(bytes.length, whole.length);
  return bytes.compare(whole, 0, length, 0, length) === 0;
}

function findLine(bytes: Buffer): Finding {
  const end = bytes.subarray(0, maxLine).indexOf('\r\n');
  if (end < 0) {
    if (bytes.length >= maxLine) throw badHeader('the line of its PROXY header is too long');
    return 'more';
  }
  const [, family = '', ...words] = bytes.toString('latin1', 0, end).split(' ');
  const length = end + 2;
  if (family === 'UNKNOWN') return { length };
  const [from = '', to = '', fromPort = '', toPort = ''] = words;
  const version = { TCP4: 4, TCP6: 6 }[family];
  const [source, destination] = [toEnd(from, fromPort, version), toEnd(to, toPort, version)];
  if (words.length !== 4 || !source || !destination) throw badHeader('its PROXY header has no two addresses of TCP');
  return { length, ends: { source, destination } };
}

function toEnd(host: string, port: string, version: number | undefined): TcpAddress | undefined {
  if (isIP(host) !== version || !/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  return toAddress(host, Number(port));
}

/** The bytes of an address in version 2, by its family and transport. */
const addressBytes: Readonly<Record<number, number>> = { 0x11: 4, 0x21: 16 };
/** Version 2 with the commands LOCAL and PROXY. */
const [localCommand, proxyCommand] = [0x20, 0x21];

function findBinary(bytes: Buffer): Finding {
  const command = bytes[12];
  const family = bytes[13] ?? 0;
  const told = bytes.readUInt16BE(14);
  const length = fixedBytes + told;
  if (command === localCommand) return { length };
  if (command !== proxyCommand) throw badHeader('its PROXY header has an unknown version or command');
  const size = addressBytes[family];
  // Others than TCP over IP tell nothing that a rule could use, and a receiver may ignore them.
  if (size === undefined) return { length };
  const ports = fixedBytes + 2 * size;
  if (told < 2 * size + 4) throw badHeader('its PROXY header is shorter than two addresses');
  if (bytes.length < ports + 4) return 'more';
  const at = (place: number) => formatIp(bytes.subarray(fixedBytes + place * size, fixedBytes + (place + 1) * size));
  const [source, destination] = [
    toAddress(at(0), bytes.readUInt16BE(ports)),
    toAddress(at(1), bytes.readUInt16BE(ports + 2)),
  ];
  return { length, ...(source && destination && { ends: { source, destination } }) };
}

/** Writes an address in its canonical form; an IPv4-mapped one as IPv4, as those of clients of a dual-stack listener. */
function toAddress(host: string, port: number): TcpAddress | undefined {
  // None for an address with a zone, which means something on one machine alone.
  const bytes = toBytes(host);
  return bytes && { kind: 'tcp', host: formatIp(bytes), port };
}

function badHeader(what: string): TunlError {
  return requestError(`the client is refused: ${what}`);
}

/**
 * Reads the PROXY header of a connection. All bytes behind it stay in the stream, which is left paused; a header has at
 * most 65,551 bytes, and only those of its addresses are kept. Returns undefined if it tells no addresses.
 * @param isOptional true to leave a connection without a header as it is
 * @throws {TunlError} http_request_error, without a correct header; connection_terminated, if the stream is over before;
 *   the reason of the signal
 */
export function readProxyHeader(
  stream: Duplex,
  isOptional: boolean,
  signal: AbortSignal,
): Promise<ToldEnds | undefined> {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    let kept: Buffer = Buffer.alloc(0);
    let found: Exclude<Finding, string> | undefined;
    /** What of the header is still to come. */
    let missing = 0;
    const settle = (act: () => void, rest?: Buffer) => {
      stream.off('data', onData).off('end', onOver).off('error', onOver).off('close', onOver);
      signal.removeEventListener('abort', onAbort);
      stream.pause();
      if (rest && rest.length > 0) stream.unshift(rest);
      act();
    };
    const onAbort = () => settle(() => reject(abortReason(signal)));
    const onOver = (cause?: Error) => {
      const facts = { side: 'client', phase: 'request', cause } as const;
      const message = 'the client went away before its PROXY header';
      settle(() => reject(new TunlError('connection_terminated', message, facts)));
    };
    const finish = (chunk: Buffer) => {
      if (chunk.length < missing) return void (missing -= chunk.length);
      settle(() => resolve(found?.ends), chunk.subarray(missing));
    };
    const onData = (chunk: Buffer) => {
      if (found) return finish(chunk);
      kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
      try {
        const finding = findProxyHeader(kept);
        if (finding === 'more') return;
        if (finding === 'none') {
          if (isOptional) return settle(() => resolve(undefined), kept);
          throw badHeader('it began without a PROXY header');
        }
        found = finding;
        missing = finding.length;
      } catch (error) {
        return settle(() => reject(error as Error));
      }
      finish(kept);
    };
    if (stream.readableEnded || stream.destroyed) return onOver(stream.errored ?? undefined);
    stream.on('data', onData).on('end', onOver).on('error', onOver).on('close', onOver);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.resume();
  });
}
