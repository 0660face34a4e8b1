import { versions } from '../socks/wire.ts';
import type { Front } from './front.ts';
import type { serveSocks } from './socks-request.ts';

/** Loaded at the first connection, and once: each `import()` costs time. */
let code: Promise<{ readonly serveSocks: typeof serveSocks }> | undefined;

/** SOCKS 4, 4a and 5 (RFC 1928), with passwords in SOCKS 5 alone (RFC 1929). */
export const socks: Front = {
  name: 'socks',
  title: 'SOCKS',
  urlScheme: 'socks5h',
  hasStatuses: false,
  begins: (byte) => byte === versions.socks4 || byte === versions.socks5,
  alpn: [],
  serve: async (link, terms) => {
    const { serveSocks: serve } = await (code ??= import('./socks-request.ts'));
    await serve(link, terms);
  },
};
