import { TunlError } from '../../core/errors.ts';
import type { TunnelExchange, TunnelRequest } from '../../core/exchange.ts';
import { findSource, type Link, LinkView, type Peer, type Resumption } from '../../core/link.ts';
import type { Asker, Resuming } from './resuming.ts';

/** How many sessions may wait for their target at a time: in all, and of one owner. */
const [maxWaiting, maxWaitingOfOwner] = [10_000, 1000];

/** The sessions of this process that wait for their target, by owner. */
const waiting = new Map<string, number>();
let waitingInAll = 0;

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
  const onAsked = enter(user === undefined ? findSource(peer) : `user ${user}`);
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

/** Counts a session that waits for its target. Returns the function that ends this. @throws {TunlError} */
function enter(owner: string): () => void {
  const ofOwner = (waiting.get(owner) ?? 0) + 1;
  if (ofOwner > maxWaitingOfOwner || waitingInAll >= maxWaiting) {
    const facts = { side: 'client', phase: 'policy' } as const;
    throw new TunlError('connection_limit_reached', 'too many sessions wait for their targets', facts);
  }
  waiting.set(owner, ofOwner);
  waitingInAll++;
  return () => {
    waitingInAll--;
    const left = (waiting.get(owner) ?? 1) - 1;
    if (left > 0) waiting.set(owner, left);
    else waiting.delete(owner);
  };
}

function noSession(isServed: boolean): TunlError {
  const [status, message] = isServed
    ? [400, 'a session is asked for with the field Tunl-Resume']
    : [404, 'there are no sessions here: tunl serve opens them with --resume'];
  return new TunlError('http_request_error', message, { side: 'client', phase: 'request', status });
}
