import { PassThrough } from 'node:stream';
import type { Reach } from '../core/carrier.ts';
import { type DialContext, laterContext } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import { formatPlace, type Hop } from '../core/hop.ts';
import { formatHostPort } from '../core/address.ts';
import { resetError } from '../core/link.ts';
import { isOverWithin, Opening } from '../core/waiting.ts';
import type { Call, CallBody, Reply } from '../http/call.ts';
import { Http1Client } from '../http/h1/client.ts';
import { proxyPeer } from '../http/tunnel/h1-session.ts';
import { http1Fields, requestFields, userAgent } from '../http/tunnel/request-fields.ts';
import { sessionAddress } from '../resume/session.ts';

/** The time, in milliseconds, that the probe waits for an answer at least, and how often that of the whole request. */
const [leastMs, factor] = [1000, 3];

/** The longest that the whole request may take, in milliseconds. A way that is slower tells nothing. */
const longestMs = 5000;

/** What a hop over TLS is offered that is asked in HTTP/1.1. */
const older = { alpn: ['http/1.1'] } as const;

/** A hop that has not answered a POST, and how it is asked again. */
export interface ProbeTerms {
  readonly hop: Hop;
  readonly reach: Reach;
  readonly isHttp2: boolean;
  /** The path of the POST. */
  readonly path: string;
}

/** Sends requests to the hop over one connection, and closes it. */
interface ProbeClient {
  ask(call: Call): Promise<Reply>;
  close(): void;
}

/** The probes that run. */
const running = new WeakMap<Hop, Opening<TunlError | undefined>>();

/**
 * Finds out whether something on the way keeps requests until they are whole; tunnels that wait at the same time share
 * one probe. It asks for a tunnel to a name that `tunl serve` does not dial, without the user's name and password: first
 * with a whole request, then with one that stays open. Any answer will do. If the second is answered only once it has
 * ended, such a way carries no tunnel in one POST.
 * @returns the failure; `undefined` if the way passes requests on as they come, or if nobody knows
 */
export function findBuffering(
  terms: ProbeTerms,
  ctx: DialContext,
  signal: AbortSignal,
): Promise<TunlError | undefined> {
  const { hop } = terms;
  const known = running.get(hop);
  if (known && !known.isGivenUp) return known.join(signal);
  const probe = new Opening((abandoned) => ask(terms, ctx, abandoned));
  running.set(hop, probe);
  return probe.join(signal).finally(() => {
    if (running.get(hop) === probe) running.delete(hop);
  });
}

async function ask(terms: ProbeTerms, ctx: DialContext, signal: AbortSignal): Promise<TunlError | undefined> {
  const began = performance.now();
  const isWholeAnswered = await withClient(terms, ctx, signal, (client) =>
    isAnswered(client.ask(toCall(terms, ctx)), longestMs, signal),
  );
  if (!isWholeAnswered) return undefined;
  const patienceMs = Math.max(leastMs, factor * (performance.now() - began));
  const isBuffering = await withClient(terms, ctx, signal, async (client) => {
    const source = new PassThrough();
    const body = { source, bytes: undefined, trailers: () => [], isTaken: false };
    const answer = client.ask(toCall(terms, ctx, body));
    if (await isOverWithin(patienceMs, answer, signal)) return false;
    source.end();
    return isAnswered(answer, patienceMs, signal);
  });
  return isBuffering ? bufferingError(terms.hop) : undefined;
}

async function isAnswered(answer: Promise<Reply>, ms: number, signal: AbortSignal): Promise<boolean> {
  if (!(await isOverWithin(ms, answer, signal))) return false;
  return answer.then(
    () => true,
    () => false,
  );
}

async function withClient(
  { hop, reach, isHttp2 }: ProbeTerms,
  ctx: DialContext,
  signal: AbortSignal,
  use: (client: ProbeClient) => Promise<boolean>,
): Promise<boolean> {
  const later = laterContext(ctx, signal);
  const link = await reach({ form: 'tunnel', ctx: later, ...(!isHttp2 && hop.tls.alpn === undefined && older) });
  const what = `POST ${formatHostPort(sessionAddress.host, sessionAddress.port)}`;
  const close = () => link.reset(resetError('the probe is over'));
  try {
    if (!isHttp2) {
      const client = new Http1Client(link, proxyPeer(hop, link, what));
      return await use({ ask: (call) => client.call(call, signal), close });
    }
    const [{ openSession }, { callHttp2 }, { clientSetup }] = await Promise.all([
      import('../http/h2/sessions/client.ts'),
      import('../http/h2/call.ts'),
      import('../http/h2/setup.ts'),
    ]);
    const session = await openSession(link, clientSetup, signal);
    const asked = { name: formatPlace(hop.address), what, side: 'hop', phase: 'handshake' } as const;
    return await use({ ask: (call) => callHttp2(session, call, asked, signal), close });
  } finally {
    close();
  }
}

function toCall({ hop, path, isHttp2 }: ProbeTerms, ctx: DialContext, body?: CallBody): Call {
  const authority = formatHostPort(sessionAddress.host, sessionAddress.port);
  const own = [userAgent, ['cache-control', 'no-store, no-transform'] as const];
  // The fields of the tunnel itself, its password among them, are not those of the probe.
  const later = laterContext(ctx, ctx.signal);
  const headers = isHttp2 ? requestFields(hop, later, own) : http1Fields(hop, later, [['Host', authority], ...own]);
  return {
    method: 'POST',
    target: path,
    authority,
    scheme: isSecured(hop) ? 'https' : 'http',
    headers: body ? headers : [...headers, ['content-length', '0']],
    ...(body && { body }),
  };
}

function isSecured({ scheme }: Hop): boolean {
  return scheme === 'post+https' || scheme === 'post+h2';
}

function bufferingError(hop: Hop): TunlError {
  const place = formatPlace(hop.address);
  const secured = isSecured(hop) ? 's' : '';
  const message = `something on the way to ${place} keeps requests until they are whole, so a tunnel in one POST carries nothing`;
  return new TunlError('http_response_timeout', message, {
    side: 'hop',
    phase: 'handshake',
    hints: [
      `many short requests get through: poll+http${secured}://${place}`,
      'or let that front end pass requests on as they come (nginx: proxy_request_buffering off)',
    ],
  });
}
