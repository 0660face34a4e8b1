import { authSettings } from '../auth/settings.ts';
import type { Carrier } from '../core/carrier.ts';
import { connectTerms, http2Settings, openHttp2Session } from '../http/tunnel/h2-session.ts';
import { reachByVersion } from '../http/tunnel/hop-versions.ts';
import { resumeSetting } from '../resume/setting.ts';
import { openConnectSession } from './h1.ts';

/** CONNECT in TLS, over HTTP/2 or HTTP/1.1 as the proxy chooses by ALPN. */
export const https: Carrier = {
  name: 'https',
  schemes: [
    {
      scheme: 'https',
      defaultPort: 443,
      tls: { alpn: ['h2', 'http/1.1'] },
      summary: 'TLS to the proxy, then CONNECT over HTTP/2 or HTTP/1.1, as the proxy chooses',
    },
  ],
  settings: [...authSettings, ...http2Settings, resumeSetting],
  methods: [],
  halfClose: 'native',
  reset: 'native',
  // In HTTP/1.1, whatever the tunnels through the hop use.
  takesRequests: (hop) => (hop.tls.alpn === 'h2' ? undefined : { alpn: ['http/1.1'] }),
  async open(reach, hop, ctx) {
    const link = await reach(reachByVersion(hop));
    return link.peer.tls?.alpn === 'h2' || hop.tls.alpn === 'h2'
      ? openHttp2Session(link, hop, ctx, { ...connectTerms, older: hop.tls.alpn !== 'h2' })
      : openConnectSession(link, hop, (later) => reach({ form: 'tunnel', alpn: ['http/1.1'], ctx: later }));
  },
};
