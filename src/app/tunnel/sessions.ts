import { requestError, TunlError } from '../../core/errors.ts';
import type { TunnelExchange, TunnelRequest } from '../../core/exchange.ts';
import { findSource, type Link, LinkView, type Peer, type Resumption } from '../../core/link.ts';
import { Counts } from '../../core/waiting.ts';
import { type Asker, type Resuming } from './resuming.ts';

/** How many sessions may wait for their target at a time. */
interface WaitingLimits {
  readonly total: number;
  readonly perOwner: number;
}

/** Counts the sessions that wait for their target. */
export class WaitingSessions {
  readonly #limits: WaitingLimits;
  readonly #waitingOf = new Counts();
  #waiting = 0;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  /** Counts one more. Returns the function that ends this. @throws {TunlError} connection_limit_reached */
  enter(owner: string): () => void {
    if (this.#waitingOf.of(owner) >= this.#limits.perOwner || this.#waiting >= this.#limits.total) {
      const facts = { side: 'client', phase: 'policy' } as const;
      throw new TunlError('connection_limit_reached', 'too many sessions wait for their targets', facts);
    }
    this.#waitingOf.add(owner);
    this.#waiting++;
    return () => {
      this.#waiting--;
      this.#waitingOf.remove(owner);
    };
  }
}

/** Those of this process. */
const waiting = new WaitingSessions({ total: 10_000, perOwner: 1000 });

/** A session that is open. */
export interface OpenedSession {
  /** Carries one request for a tunnel, and then the tunnel. */
  readonly link: Link;
  /** Called once the request has come, or will not. */
  readonly onAsked: () => void;
}

/**
 * Opens a session: a stream that leads to this proxy itself, which is asked for the target over it.
 * @throws {TunlError} http_request_error, if there are no sessions here; connection_limit_reached
 */
export function openSession(
  resuming: Resuming | undefined,
  exchange: TunnelExchange,
  request: TunnelRequest,
  asker: Asker,
): OpenedSession {
  const answer = resuming?.open(exchange, request, asker);
  if (!answer) throw noSession(resuming?.takes(request) === true);
  const { user, peer } = asker;
  const onAsked = waiting.enter(user === undefined ? findSource(peer) : `user ${user}`);
  return { link: new SessionLink(answer.start(request.accept([answer.field], answer.carried)), user), onAsked };
}

/** The bytes of a session, whose client is the user that has opened it, whatever its certificate says. */
class SessionLink extends LinkView {
  override readonly peer: Peer;
  readonly resumption?: Resumption;

  constructor(link: Link, user: string | undefined) {
    super(link);
    const { identity, ...rest } = link.peer;
    this.peer = identity === undefined || (user !== undefined && user !== identity) ? rest : link.peer;
    if (link.resumption) this.resumption = link.resumption;
  }
}

function noSession(isServed: boolean): TunlError {
  return isServed
    ? requestError('a session is asked for with the field Tunl-Resume')
    : requestError('there are no sessions here: tunl serve opens them with --resume', { status: 404 });
}
