import type { Carrier } from '../core/carrier.ts';
import { openSocks } from '../socks/open.ts';

/** SOCKS 4 and 4a: one tunnel for one connection, no framing, a user without a password, and one word for all failures. */
export const socks4: Carrier = {
  name: 'socks4',
  schemes: [
    { scheme: 'socks4', defaultPort: 1080, families: [4], summary: 'SOCKS4; names are resolved here, to IPv4' },
    { scheme: 'socks4a', defaultPort: 1080, summary: 'SOCKS4a; the proxy resolves names' },
  ],
  settings: [],
  protocol: 'socks',
  credentials: 'user',
  reasons: false,
  methods: [],
  halfClose: 'native',
  reset: 'native',
  open: openSocks(4),
};
