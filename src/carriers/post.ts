import { originAuth } from '../auth/model/fields.ts';
import { authSettings } from '../auth/settings.ts';
import type { Carrier, CarrierScheme, HopSetting } from '../core/carrier.ts';
import { requestError, usageError } from '../core/errors.ts';
import type { Hop } from '../core/hop.ts';
import { parseAuthority } from '../syntax/authority.ts';
import { readFraming } from '../http/wire/framing.ts';
import { resumeSetting } from '../resume/setting.ts';
import { reachByVersion } from '../http/tunnel/hop-versions.ts';
import { Http1Session, type Http1TunnelTerms } from '../http/tunnel/h1-session.ts';
import { http2Settings, type Http2Terms, openHttp2Session } from '../http/tunnel/h2-session.ts';
import { originTerms, passedOnFields, toTunnelRequest } from '../http/server/tunnel-request.ts';

const path: HopSetting = {
  name: 'path',
  summary: 'path of the POST, / by default',
  parse: (value) => {
    if (/^\/[\x21-\x7e]*$/.test(value)) return value;
    throw usageError(`?path=${value} is not a path`);
  },
};

const pathOf = ({ settings }: Hop): string => settings['path'] ?? '/';

const http1Terms: Http1TunnelTerms = {
  method: 'POST',
  requestTarget: (_target, hop) => pathOf(hop),
  fields: () => [
    ['Transfer-Encoding', 'chunked'],
    ['Cache-Control', 'no-store, no-transform'],
  ],
  opens: { kind: 'bodies' },
  // Another proxy on the way would remove what is meant for a proxy.
  asks: originAuth,
};

const http2Terms: Http2Terms = {
  method: 'POST',
  requestTarget: (_target, hop) => pathOf(hop),
  opens: { kind: 'bodies', isAccepted: (status) => status === 200 },
  fields: () => [],
  asks: originAuth,
  halfClose: 'now',
};

const toScheme = (name: string, alpn: readonly string[] | undefined, summary: string): CarrierScheme => ({
  scheme: `post+${name}`,
  defaultPort: alpn ? 443 : 80,
  ...(alpn && { tls: { alpn } }),
  ...(name.startsWith('h2') && { host: false as const }),
  summary: `bytes in one POST and its answer, ${summary}`,
});

/** Tunnels in the two bodies of one POST, compatible with Envoy's `use_post` and `allow_post`. */
export const post: Carrier = {
  name: 'post',
  schemes: [
    toScheme('http', undefined, 'over HTTP/1.1'),
    toScheme('https', ['h2', 'http/1.1'], 'over TLS, HTTP/2 or HTTP/1.1'),
    toScheme('h2c', undefined, 'over HTTP/2 in cleartext'),
    toScheme('h2', ['h2'], 'over HTTP/2 in TLS'),
  ],
  settings: [...authSettings, ...http2Settings, path, resumeSetting],
  serveFlag: { name: 'post', summary: 'also accept tunnels in POST requests' },
  methods: ['POST'],
  asksBy: 'POST',
  silence:
    'perhaps something before it keeps requests until they are whole, as nginx does with proxy_request_buffering on: poll+http:// and poll+https:// get through',
  halfClose: 'native',
  reset: 'native',
  async open(reach, hop, ctx) {
    const link = await reach(reachByVersion(hop));
    const isHttp2 = hop.scheme === 'post+h2c' || hop.tls.alpn === 'h2' || link.peer.tls?.alpn === 'h2';
    const older = hop.scheme === 'post+https' && hop.tls.alpn !== 'h2';
    const session = isHttp2
      ? await openHttp2Session(link, hop, ctx, { ...http2Terms, older })
      : new Http1Session(link, hop, http1Terms, (later) => reach({ form: 'tunnel', alpn: ['http/1.1'], ctx: later }));
    // Loaded by those who need it: a plain `connect` does not.
    const { ProbingSession } = await import('./post-session.ts');
    return new ProbingSession(session, { hop, reach, isHttp2, path: pathOf(hop) });
  },
  claim(exchange) {
    // In absolute form it is a request that a proxy forwards; over HTTP/2 the two look the same.
    if (exchange.method !== 'POST' || (exchange.version !== '2' && exchange.sentScheme !== undefined)) return undefined;
    // Before anything is dialled: a body with ambiguous framing is refused.
    if (exchange.version !== '2') readFraming(exchange.headers, 'request');
    if (exchange.version === '1.0') throw requestError('a POST tunnel needs HTTP/1.1');
    return toTunnelRequest(exchange, {
      ...originTerms,
      target: parseAuthority(exchange.authority),
      accept: (headers) => exchange.stream(200, [...headers, ...passedOnFields]),
    });
  },
};
