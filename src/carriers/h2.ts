import { authSettings } from '../auth/settings.ts';
import type { Carrier } from '../core/carrier.ts';
import { resumeSetting } from '../resume/setting.ts';
import { connectTerms, http2Settings, openHttp2Session } from '../http/tunnel/h2-session.ts';

/** CONNECT over HTTP/2 (RFC 9113, section 8.5): one connection to the proxy, many tunnels in it. */
export const h2: Carrier = {
  name: 'h2',
  schemes: [
    { scheme: 'h2', defaultPort: 443, tls: { alpn: ['h2'] }, host: false, summary: 'CONNECT over HTTP/2 in TLS' },
    { scheme: 'h2c', defaultPort: 80, host: false, summary: 'CONNECT over HTTP/2 in cleartext' },
  ],
  settings: [...authSettings, ...http2Settings, resumeSetting],
  // The carrier h1 claims CONNECT in every version of HTTP.
  methods: [],
  halfClose: 'native',
  reset: 'native',
  open: async (reach, hop, ctx) => openHttp2Session(await reach({ form: 'tunnel' }), hop, ctx, connectTerms),
};
