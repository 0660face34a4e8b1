import { authSettings } from '../auth/settings.ts';
import type { Carrier } from '../core/carrier.ts';
import { basicField } from '../http/wire/credentials.ts';
import { Http1Session, type Http1TunnelTerms } from '../http/tunnel/h1-session.ts';
import { claimConnect } from '../http/server/tunnel-request.ts';

const connectTerms: Http1TunnelTerms = {
  method: 'CONNECT',
  opens: { kind: 'connect' },
  fields: ({ credentials }) => (credentials ? [basicField(credentials)] : []),
};

/** CONNECT over HTTP/1.1 (RFC 9110, section 9.3.6): one tunnel for one connection, no framing. */
export const h1: Carrier = {
  name: 'h1',
  schemes: [{ scheme: 'http', defaultPort: 80, summary: 'CONNECT over HTTP/1.1' }],
  settings: authSettings,
  methods: ['CONNECT'],
  halfClose: 'native',
  reset: 'native',
  open: async (reach, hop) => new Http1Session(await reach({ form: 'tunnel' }), hop, connectTerms),
  claim: claimConnect,
};
