import type { TcpAddress } from '../core/address.ts';

/** Ports whose services speak TLS from the first byte. */
const tlsPorts: ReadonlySet<number> = new Set([443, 465, 636, 853, 990, 993, 995, 5061, 5671, 6443, 8443, 8883]);

/** The first byte of a TLS connection (RFC 8446, section 5.1). */
const tlsHandshake = 0x16;

/** What a tunnel carried until it was reset. */
export interface TunnelStart {
  /** The first byte that was sent, when any was. */
  readonly firstByte: number | undefined;
  readonly received: number;
}

/** Why a tunnel may be reset without a word: what was sent is not what is expected there. */
export function resetHints({ port }: TcpAddress, { firstByte, received }: TunnelStart): string[] {
  const isPlain = firstByte !== undefined && firstByte !== tlsHandshake;
  if (!tlsPorts.has(port) || !isPlain || received > 0) return [];
  return [`port ${port} is mostly for TLS, and some proxies pass nothing else to it: --tls-target`];
}
