import type { Beginning } from '../tunnel/beginning.ts';

/** Ports whose services speak TLS from the first byte. */
const tlsPorts: ReadonlySet<number> = new Set([443, 465, 636, 853, 990, 993, 995, 5061, 5671, 6443, 8443, 8883]);

/** What TLS records begin with (RFC 8446, section 5.1): an alert, a handshake, and the version after either. */
const [alertRecord, handshakeRecord, majorVersion] = [0x15, 0x16, 0x03];

/** Hints for a tunnel whose first bytes show that TLS was missing; `port` is the target's. */
export function findTlsHints({ sent, received }: Pick<Beginning, 'sent' | 'received'>, port: number): string[] {
  if (sent === undefined || sent[0] === handshakeRecord) return [];
  const [first, second] = received ?? [];
  if (first === alertRecord && second === majorVersion) return ['the target answered in TLS: --tls-target speaks it'];
  if (received !== undefined || !tlsPorts.has(port)) return [];
  return [`port ${port} is mostly for TLS, and some proxies pass nothing else to it: --tls-target`];
}

/** True when the target refused what was sent in the words of TLS. */
export function isTlsAlert(beginning: Pick<Beginning, 'sent' | 'received'>): boolean {
  return beginning.received?.[0] === alertRecord && findTlsHints(beginning, 0).length > 0;
}
