import { originAuth } from '../../../src/auth/model/fields.ts';
import { formatHostPort } from '../../../src/core/address.ts';
import type { Carrier } from '../../../src/core/carrier.ts';
import { parseAuthority } from '../../../src/syntax/authority.ts';
import { Http1Session, type Http1TunnelTerms } from '../../../src/http/tunnel/h1-session.ts';
import { halfCloseField } from '../../../src/http/tunnel/half-close.ts';
import { fieldValues } from '../../../src/http/wire/message.ts';
import { originTerms, toTunnelRequest } from '../../../src/http/server/tunnel-request.ts';

const terms: Http1TunnelTerms = {
  method: 'GET',
  requestTarget: ({ host, port }) => `/tunnel/${formatHostPort(host, port)}`,
  opens: { kind: 'upgrade', protocol: 'bytes' },
  fields: () => [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'bytes'],
  ],
  asks: originAuth,
};

/** A carrier by Upgrade (RFC 9110, section 7.8). It consists of terms only, without code that reads answers. */
export const switching: Carrier = {
  name: 'switching',
  schemes: [{ scheme: 'switching', defaultPort: 80, summary: 'bytes after a change of protocol' }],
  settings: [],
  methods: ['GET'],
  halfClose: 'native',
  reset: 'native',
  open: async (reach, hop) =>
    new Http1Session(await reach({ form: 'tunnel' }), hop, terms, (ctx) => reach({ form: 'tunnel', ctx })),
  claim(exchange) {
    if (exchange.method !== 'GET' || !fieldValues(exchange.headers, 'upgrade').includes('bytes')) return undefined;
    return toTunnelRequest(exchange, {
      ...originTerms,
      target: parseAuthority(exchange.target.slice('/tunnel/'.length)),
      accept: (headers) => exchange.upgrade(101, [...headers, halfCloseField]),
    });
  },
};
