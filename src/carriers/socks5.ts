import type { Carrier } from '../core/carrier.ts';
import { openSocks } from '../socks/open.ts';

/** SOCKS 5 (RFC 1928) with user and password (RFC 1929): one tunnel for one connection, no framing. */
export const socks5: Carrier = {
  name: 'socks5',
  schemes: [
    { scheme: 'socks5', defaultPort: 1080, families: [4, 6], summary: 'SOCKS5; names are resolved here' },
    { scheme: 'socks5h', defaultPort: 1080, summary: 'SOCKS5; the proxy resolves names' },
  ],
  settings: [],
  protocol: 'socks',
  methods: [],
  halfClose: 'native',
  reset: 'native',
  open: openSocks(5),
};
