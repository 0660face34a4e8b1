import type { Beginning } from '../tunnel/beginning.ts';

/** Ports whose services speak TLS from the first byte. */
const tlsPorts: ReadonlySet<number> = new Set([443, 465, 636, 853, 990, 993, 995, 5061, 5671, 6443, 8443, 8883]);

/**
 * The first bytes of TLS records (RFC 8446, section 5.1): the types of an alert and of a handshake, and the version
 * after them.
 */
const [alertRecord, handshakeRecord, majorVersion] = [0x15, 0x16, 0x03];

/** Lists hints for a tunnel whose first bytes show that TLS was missing; `port` is that of the target. */
export function findTlsHints({ sent, received }: Pick<Beginning, 'sent' | 'received'>, port: number): string[] {
  if (sent === undefined || sent[0] === handshakeRecord) return [];
  const [first, second] = received ?? [];
  if (first === alertRecord && second === majorVersion) return ['the target answered in TLS: --tls-target speaks it'];
  if (received !== undefined || !tlsPorts.has(port)) return [];
  return [`port ${port} is mostly for TLS, and some proxies pass nothing else to it: --tls-target`];
}

/** True if the target answered the bytes that were sent with a TLS alert. */
export function isTlsAlert(beginning: Pick<Beginning, 'sent' | 'received'>): boolean {
  return beginning.received?.[0] === alertRecord && findTlsHints(beginning, 0).length > 0;
}
