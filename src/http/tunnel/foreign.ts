import { type Hop, securedScheme } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { redactText } from './redact.ts';

/** The bytes with which a peer answered a request in HTTP/1.1, if they are not HTTP/1.1. */
export interface Foreign {
  /** A phrase that completes "it answered with". */
  readonly words: string;
  readonly hints: readonly string[];
}

/** The most characters of a text that a message quotes. */
const maxQuoted = 60;

/** Recognises, by the first bytes, the protocol of a port that does not speak HTTP/1.1. */
export function recogniseForeign(received: Buffer, hop: Hop): Foreign {
  const [first = 0, second = 0] = received;
  // A TLS record (RFC 8446, section 5.1): an alert, or a server that speaks at once.
  if ((first === 0x15 || first === 0x16) && second === 0x03) return { words: 'a TLS record', hints: tlsHints(hop) };
  // The SETTINGS frame that starts every connection (RFC 9113, section 3.4), on stream 0.
  if (received.length >= 9 && received[3] === 0x04 && received.readUInt32BE(5) === 0)
    return { words: 'HTTP/2', hints: [`it speaks HTTP/2 only: ${hop.scheme.replace(/https?$/, 'h2c')}://`] };
  // The version bytes of answers in SOCKS 5 (RFC 1928) and SOCKS 4.
  if (first === 0x05 || (first === 0x00 && second >= 0x5a && second <= 0x5d))
    return {
      words: 'a SOCKS reply',
      hints: [`it seems to be a SOCKS proxy: write ${first === 0x05 ? 'socks5h' : 'socks4a'}://`],
    };
  const [line = ''] = received.toString('latin1').split(/[\r\n]/, 1);
  if (line.startsWith('HTTP/')) return { words: 'a broken HTTP head', hints: [] };
  if (!/^[\t\x20-\x7e]{3,}$/.test(line)) return { words: 'bytes that are no HTTP', hints: [] };
  return { words: JSON.stringify(redactText(line, hop).slice(0, maxQuoted)), hints: [] };
}

/** Suggests the protocol of a port that closes the connection silently after a request in HTTP/1.1. */
export function silentHints(hop: Hop, { peer }: Link): string[] {
  const secured = peer.tls ? undefined : securedScheme(hop.scheme);
  return secured === undefined
    ? []
    : [`ports for TLS or SOCKS close like this; for a proxy with TLS write ${secured}:// instead of ${hop.scheme}://`];
}

function tlsHints({ scheme }: Hop): string[] {
  const secured = securedScheme(scheme);
  return secured === undefined ? [] : [`it wants TLS: ${secured}:// instead of ${scheme}://`];
}
