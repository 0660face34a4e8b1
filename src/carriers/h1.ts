import { proxyAuth } from '../auth/model/fields.ts';
import { authSettings } from '../auth/settings.ts';
import type { Carrier, Session } from '../core/carrier.ts';
import type { DialContext } from '../core/dialer.ts';
import type { Hop } from '../core/hop.ts';
import type { Link } from '../core/link.ts';
import { Http1Session, type Http1TunnelTerms } from '../http/tunnel/h1-session.ts';
import { resumeSetting } from '../resume/setting.ts';
import { claimConnect } from '../http/server/tunnel-request.ts';

const connectTerms: Http1TunnelTerms = {
  method: 'CONNECT',
  opens: { kind: 'connect' },
  fields: () => [],
  asks: proxyAuth,
};

/** Makes a session of a Link to a hop; `reach` makes further ones, if the hop closes it while it asks who we are. */
export function openConnectSession(link: Link, hop: Hop, reach: (ctx: DialContext) => Promise<Link>): Session {
  return new Http1Session(link, hop, connectTerms, reach);
}

/** CONNECT over HTTP/1.1 (RFC 9110, section 9.3.6): one tunnel for one connection, no framing. */
export const h1: Carrier = {
  name: 'h1',
  schemes: [{ scheme: 'http', defaultPort: 80, summary: 'CONNECT over HTTP/1.1' }],
  settings: [...authSettings, resumeSetting],
  methods: ['CONNECT'],
  halfClose: 'native',
  reset: 'native',
  takesRequests: () => ({}),
  open: async (reach, hop) =>
    openConnectSession(await reach({ form: 'tunnel' }), hop, (ctx) => reach({ form: 'tunnel', ctx })),
  claim: claimConnect,
};
