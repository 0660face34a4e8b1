import { formatHostPort } from '../core/address.ts';
import type { Carrier } from '../core/carrier.ts';
import { isSuccess } from '../http/call.ts';
import { basicField } from '../http/wire/credentials.ts';
import { Http1Session, type Http1TunnelTerms } from '../http/tunnel/h1-session.ts';
import { claimConnect } from '../http/server/tunnel-request.ts';

const connectTerms: Http1TunnelTerms = {
  method: 'CONNECT',
  requestTarget: ({ host, port }) => formatHostPort(host, port),
  fields: ({ credentials }) => (credentials ? [basicField(credentials)] : []),
  isAccepted: isSuccess,
  ends: 'connection',
  // No framing: the connection itself is the tunnel, whatever length the answer states.
  toLink: (link) => link,
};

/** CONNECT over HTTP/1.1 (RFC 9110, section 9.3.6): one tunnel for one connection, no framing. */
export const h1: Carrier = {
  name: 'h1',
  schemes: [{ scheme: 'http', defaultPort: 80, summary: 'CONNECT over HTTP/1.1' }],
  settings: [],
  methods: ['CONNECT'],
  halfClose: 'native',
  reset: 'native',
  open: async (reach, hop) => new Http1Session(await reach({ form: 'tunnel' }), hop, connectTerms),
  claim: claimConnect,
};
