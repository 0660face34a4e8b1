import type { Address } from '../../core/address.ts';
import { type IpBytes, mappedPrefix, toBytes } from '../../core/ip.ts';
import { parseSpiffeId } from '../../core/spiffe.ts';

/** Versions of the PROXY protocol that can be written: one line of text, or binary. */
export type ProxyProtocol = 'v1' | 'v2';

/** The facts that the receiver gets about the connection that is passed on to it. */
export interface ProxyFacts {
  readonly source: Address | undefined;
  readonly destination: Address | undefined;
  /** The identity that the client proved; it is sent if it is a SPIFFE id. */
  readonly identity: string | undefined;
}

/** The first bytes of version 2. */
export const proxySignature: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Version 2, command PROXY. */
const versionAndCommand = 0x21;
/** TCP over IPv4 and over IPv6. */
const families = { 4: 0x11, 6: 0x21 } as const;
const unspecifiedFamily = 0x00;
/** Free for applications; Istio puts the client's SPIFFE id here. */
const spiffeType = 0xd0;

/**
 * Formats the header that precedes the first byte of a passed-on connection (PROXY protocol, sections 2.1 and 2.2). If
 * one of the two addresses is not a known IP address, the header contains neither. Its length is bounded: an id has at
 * most 2,048 bytes.
 */
export function formatProxyHeader(version: ProxyProtocol, facts: ProxyFacts): Buffer {
  const ends = toEnds(facts);
  return version === 'v1' ? formatLine(ends) : formatBinary(ends, facts.identity);
}

/** One end of the connection, as text and as the bytes of the binary form. */
interface End {
  readonly host: string;
  readonly port: number;
  readonly bytes: IpBytes;
}

interface Ends {
  readonly family: 4 | 6;
  readonly source: End;
  readonly destination: End;
}

/**
 * Returns both ends in one family: if the families differ, the IPv4 address is mapped to IPv6 (RFC 4291, section
 * 2.5.5.2).
 */
function toEnds(facts: ProxyFacts): Ends | undefined {
  const [source, destination] = [toEnd(facts.source), toEnd(facts.destination)];
  if (!source || !destination) return undefined;
  if (isIpv4(source) && isIpv4(destination)) return { family: 4, source, destination };
  return { family: 6, source: toIpv6(source), destination: toIpv6(destination) };
}

function toEnd(address: Address | undefined): End | undefined {
  const bytes = address?.kind === 'tcp' ? toBytes(address.host) : undefined;
  if (!bytes || address?.kind !== 'tcp') return undefined;
  return { host: bytes.length === 4 ? bytes.join('.') : address.host, port: address.port, bytes };
}

function isIpv4({ bytes }: End): boolean {
  return bytes.length === 4;
}

function toIpv6(end: End): End {
  return isIpv4(end) ? { ...end, host: `::ffff:${end.host}`, bytes: [...mappedPrefix, ...end.bytes] } : end;
}

function formatLine(ends: Ends | undefined): Buffer {
  if (!ends) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
  const { family, source, destination } = ends;
  const line = `PROXY TCP${family} ${source.host} ${destination.host} ${source.port} ${destination.port}\r\n`;
  return Buffer.from(line, 'latin1');
}

function formatBinary(ends: Ends | undefined, identity: string | undefined): Buffer {
  const id = identity === undefined ? undefined : parseSpiffeId(identity);
  const body = Buffer.concat([
    ...(ends ? [formatEnds(ends)] : []),
    ...(id ? [formatTlv(spiffeType, Buffer.from(id.text, 'latin1'))] : []),
  ]);
  const head = Buffer.from([versionAndCommand, ends ? families[ends.family] : unspecifiedFamily, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([proxySignature, head, body]);
}

function formatEnds({ source, destination }: Ends): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  return Buffer.concat([Buffer.from(source.bytes), Buffer.from(destination.bytes), ports]);
}

function formatTlv(type: number, value: Buffer): Buffer {
  const head = Buffer.from([type, 0, 0]);
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, value]);
}
