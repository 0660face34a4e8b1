import { originAuth } from '../auth/model/fields.ts';
import { type Address, formatAddress, type TcpAddress } from '../core/address.ts';
import { sizeOf } from '../core/octets.ts';
import type { Reach, ReachedLink, Session } from '../core/carrier.ts';
import { within } from '../core/deadline.ts';
import { type DialContext, laterContext } from '../core/dialer.ts';
import { messageOf, TunlError } from '../core/errors.ts';
import { FlowLink } from '../core/flow-duplex.ts';
import type { HeaderField, Hop } from '../core/hop.ts';
import { type Link, resetError } from '../core/link.ts';
import { unlessAborted } from '../core/waiting.ts';
import type { Call } from '../http/call.ts';
import { tellAnswer } from '../http/login/first-fields.ts';
import { refusalError } from '../http/tunnel/refusal.ts';
import { OneTunnelSession } from '../http/tunnel/one-tunnel.ts';
import { assertTunnelled, http1Fields, ownHost, userAgent } from '../http/tunnel/request-fields.ts';
import { toResponseHead } from '../http/wire/message.ts';
import { formatTunnelPath } from '../http/wire/tunnel-path.ts';
import { isFinalFailure } from '../resume/again.ts';
import { type Dialled, openResumable } from '../resume/near.ts';
import { isSessionAddress } from '../resume/session.ts';
import { parseResume, resumeName } from '../resume/setting.ts';
import { usualPathPrefix } from '../syntax/stage-settings.ts';
import { type ConnectionTerms, toClient } from './connection.ts';
import { toCallBody } from './call-body.ts';
import { usualHoldMs } from './hold.ts';
import { type Answer, Lane, type RequestClient } from './lane.ts';
import { NearTransport } from './near.ts';
import { Pace } from './pace.ts';

/** The most bytes of an answer that refuses. */
const maxRefusalBytes = 64 * 1024;

/** The time, in milliseconds, for one attempt to bring another transport. */
const attachMs = 15_000;

/** Opens a session for one tunnel that consists of requests: docs/poll.md is its contract. */
export async function openPoll(reach: Reach, hop: Hop, ctx: DialContext): Promise<Session> {
  return new PollSession(await reach({ form: 'requests' }), hop, reach, ctx);
}

class PollSession extends OneTunnelSession<ReachedLink> {
  readonly #hop: Hop;
  readonly #reach: Reach;
  readonly #ctx: DialContext;
  readonly #pace = new Pace();

  constructor(link: ReachedLink, hop: Hop, reach: Reach, ctx: DialContext) {
    super(link);
    this.#hop = hop;
    this.#reach = reach;
    this.#ctx = ctx;
  }

  override async tunnel(address: Address, ctx: DialContext): Promise<Link> {
    const target = assertTunnelled(address);
    this.use();
    const name = formatAddress(this.#hop.address);
    const opened = await openResumable({
      name,
      holdMs: findHoldMs(this.#hop),
      dial: (field, attempt, signal) => {
        if (attempt === 0) return this.#dial(target, ctx, field, toClient(this.link, this.#terms(target, ctx)));
        const limit = { ms: attachMs, phase: 'handshake', option: 'poll', code: 'http_response_timeout' } as const;
        return within(limit, signal, `${name} did not go on with the tunnel`, (limited) =>
          // The fields that were filled in for the tunnel go with all its requests.
          this.#dial(target, { ...laterContext(ctx, limited), ...(ctx.fields && { fields: ctx.fields }) }, field),
        );
      },
      isFinal: (error) => isFinalFailure(error, undefined),
    });
    const { link } = opened;
    if (!opened.isKnown) {
      link.reset(resetError('the tunnel was not opened'));
      throw this.#unknownError(`${name} answered POST, and opened no tunnel`);
    }
    if (isSessionAddress(target)) await this.#prove(link, opened.reached(), ctx);
    if (link.resumption) ctx.onResumable?.(link.resumption);
    return link;
  }

  /** Waits until a session has carried bytes both ways, because it is chosen for that. */
  async #prove(link: Link, reached: Promise<void>, { signal }: DialContext): Promise<void> {
    try {
      await unlessAborted(reached, signal);
    } catch (error) {
      link.reset(resetError('the session is of no use'));
      throw toHopError(error, `${formatAddress(this.#hop.address)} opened a session that was cut at once`);
    }
  }

  #terms(target: TcpAddress, { anonymous = false }: DialContext): ConnectionTerms {
    const reach = (signal: AbortSignal) => this.#reach({ form: 'requests', ctx: laterContext(this.#ctx, signal) });
    return { hop: this.#hop, target, anonymous, reach };
  }

  /** Asks for the tunnel, or brings another transport for it. */
  async #dial(target: TcpAddress, ctx: DialContext, field: HeaderField, first?: RequestClient): Promise<Dialled> {
    const terms = this.#terms(target, ctx);
    const connect = async (signal: AbortSignal) => toClient(await terms.reach(signal), terms);
    const [up, down] = [new Lane(connect, first), new Lane(connect)];
    [up.other, down.other] = [down, up];
    try {
      const prefix = `${this.#hop.settings['prefix'] ?? usualPathPrefix}/poll`;
      const call = this.#toCall(ctx, formatTunnelPath(target, prefix), [field], []);
      const answer = await up.ask(call, maxRefusalBytes, ctx.signal);
      const { reply } = answer;
      tellAnswer(ctx, reply, originAuth);
      if (reply.status !== 200) throw this.#refuse(target, ctx, answer);
      const transport = new NearTransport({
        up,
        down,
        pace: this.#pace,
        name: formatAddress(this.#hop.address),
        toCall: (path, fields, body) => this.#toCall(ctx, prefix + path, fields, body),
      });
      return {
        link: new FlowLink(transport, this.link.peer),
        answer: reply.headers,
        onCarried: (carried) => transport.carry(carried),
      };
    } catch (error) {
      up.close();
      const where = `${formatAddress(this.#hop.address)} did not answer POST ${formatAddress(target)} to the end`;
      throw ctx.signal.aborted ? error : toHopError(error, where);
    }
  }

  /** Makes a request; one with a body, even an empty one, is a POST. */
  #toCall(ctx: DialContext, path: string, fields: readonly HeaderField[], body: readonly Buffer[] | undefined): Call {
    const isSecured = this.#hop.scheme === 'poll+https';
    const authority = ownHost(this.#hop, isSecured ? 443 : 80);
    const length = sizeOf(body ?? []);
    const own: HeaderField[] = [
      ['Host', authority],
      userAgent,
      ['cache-control', 'no-store, no-transform'],
      ...(body
        ? ([
            ['content-type', 'application/octet-stream'],
            ['content-length', String(length)],
          ] as const)
        : []),
      ...fields,
    ];
    return {
      method: body ? 'POST' : 'GET',
      target: path,
      authority,
      scheme: isSecured ? 'https' : 'http',
      headers: http1Fields(this.#hop, ctx, own),
      ...(body && length > 0 && { body: toCallBody(body, length) }),
    };
  }

  #refuse(address: TcpAddress, ctx: DialContext, { reply, body }: Answer): TunlError {
    const head = toResponseHead(reply);
    const text = Buffer.concat(body).toString('utf8');
    const error = refusalError({ hop: this.#hop, method: 'POST', address, ctx, head, body: text });
    const { status } = reply;
    return status === 404 || status === 405 || status === 501 ? error.withHints(neededHint) : error;
  }

  #unknownError(message: string): TunlError {
    return new TunlError('http_protocol_error', message, { side: 'hop', phase: 'handshake', hints: [neededHint] });
  }
}

/** The time, in milliseconds, for which a hop's tunnels look for another transport. */
function findHoldMs({ settings }: Hop): number {
  const value = settings[resumeName];
  return value === undefined ? usualHoldMs : (parseResume(value)?.holdMs ?? 0);
}

/** Makes the failure of a connection one of the hop; others say themselves what has failed. */
function toHopError(error: unknown, what: string): TunlError {
  if (error instanceof TunlError) return error;
  const facts = { side: 'hop', phase: 'handshake', cause: error } as const;
  return new TunlError('http_response_incomplete', `${what}: ${messageOf(error)}`, facts);
}

const neededHint = 'it needs to be a tunl serve with --poll, and with the same --path-prefix as ?prefix=';
