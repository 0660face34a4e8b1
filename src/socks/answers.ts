import type { ErrorCode } from '../core/errors.ts';

/** The meaning of a number with which a SOCKS server refuses. */
export interface Refused {
  readonly code: ErrorCode;
  /** `target`: the server failed to reach the address that it was asked for. */
  readonly side: 'hop' | 'target';
  readonly words: string;
  readonly hint?: string;
}

/** Meanings of the numbers in SOCKS 5 (RFC 1928, section 6). */
const refusals5: Readonly<Record<number, Refused>> = {
  0x01: { code: 'hop_failed', side: 'hop', words: 'general failure' },
  0x02: { code: 'http_request_denied', side: 'hop', words: 'not allowed by its rules' },
  0x03: { code: 'destination_ip_unroutable', side: 'target', words: 'network unreachable' },
  0x04: {
    code: 'destination_ip_unroutable',
    side: 'target',
    words: 'host unreachable',
    hint: 'many SOCKS servers say this of names that do not resolve there, too',
  },
  0x05: { code: 'connection_refused', side: 'target', words: 'connection refused' },
  // Servers such as Tor mean that the target did not answer in time.
  0x06: { code: 'connection_timeout', side: 'target', words: 'TTL expired' },
  0x07: { code: 'hop_refused', side: 'hop', words: 'command not supported' },
  0x08: { code: 'destination_ip_unroutable', side: 'target', words: 'address type not supported' },
};

/** Meanings of the numbers in SOCKS 4; 0x5b stands for everything that may fail. */
const refusals4: Readonly<Record<number, Refused>> = {
  0x5b: { code: 'hop_failed', side: 'hop', words: 'rejected or failed', hint: 'SOCKS4 has no words for the reason' },
  0x5c: { code: 'auth_required', side: 'hop', words: 'it cannot reach identd on this machine' },
  0x5d: { code: 'auth_required', side: 'hop', words: 'identd names another user' },
};

/** Returns the meaning of a refusal, which has no words of its own. */
export function findRefusal(version: 4 | 5, answer: number): Refused {
  const known = (version === 5 ? refusals5 : refusals4)[answer];
  return known ?? { code: 'hop_refused', side: 'hop', words: 'a number that SOCKS does not define' };
}

/** Bytes that are no answer in the version of SOCKS that was spoken. */
export interface Stranger {
  /** A phrase that completes "it answered with". */
  readonly words: string;
  readonly hints: readonly string[];
}

/** Recognises, by its first bytes, what a port that does not speak our version of SOCKS speaks instead. */
export function recogniseStranger(version: 4 | 5, received: Buffer): Stranger {
  const [first = 0, second = 0] = received;
  const text = received.toString('latin1');
  if (text.startsWith('HT')) return { words: 'HTTP', hints: ['it seems to be a proxy for HTTP: write http://'] };
  if (text.startsWith('SS'))
    return { words: 'SSH', hints: ['it is an ssh server; ssh -D PORT makes a SOCKS proxy of it'] };
  if (first === 0x15 && second === 0x03) return { words: 'TLS', hints: ['it wants TLS, which SOCKS has not'] };
  if (version === 4 && first === 0x05) return { words: 'SOCKS5', hints: ['write socks5:// or socks5h://'] };
  if (version === 5 && first === 0x00 && second >= 0x5a && second <= 0x5d) {
    return { words: 'SOCKS4', hints: ['write socks4:// or socks4a://'] };
  }
  return { words: 'bytes of another protocol', hints: [] };
}
