import { requestLimit, within } from '../../core/deadline.ts';
import type { Origin } from '../../core/dialer.ts';
import { toTunlError } from '../../core/errors.ts';
import { type Link, LinkView, type Peer, resetError } from '../../core/link.ts';
import { readProxyHeader } from '../../http/server/proxy-header.ts';
import type { ReadyStage, StageParts } from '../stages/stage.ts';

/**
 * Makes a stage read the PROXY header of each Link before anything else. The address that the header tells is that of
 * the client from then on: for rules, records, caps and formats. A Link without a correct header is reset, within the
 * handshake limit of the stage.
 */
export function withClientHeader(
  ready: ReadyStage,
  need: 'required' | 'optional',
  { emit, scope }: Pick<StageParts, 'emit' | 'scope'>,
): ReadyStage {
  const { handshakeMs } = ready.route.options.limits;
  const read = ({ stream }: Link) =>
    within(requestLimit(handshakeMs), scope.draining, 'the client did not send its PROXY header', (signal) =>
      readProxyHeader(stream, need === 'optional', signal),
    );
  const serve: ReadyStage['onLink'] = async (link, origin, listener) => {
    try {
      const told = toToldLink(link, origin, await read(link));
      return await ready.onLink(told, { ...origin, peer: told.peer }, listener);
    } catch (error) {
      const failure = toTunlError(error);
      link.reset(resetError('there is no correct PROXY header'));
      // A client that connects and leaves, such as a port check, did nothing to report.
      if (failure.code !== 'connection_terminated')
        emit({ event: 'notice', level: 'warning', message: failure.message });
      return failure;
    }
  };
  return {
    ...ready,
    // An outer stage sends the header once it has its Link, so it cannot wait for what becomes of that.
    onLink: (...accepted) => {
      void serve(...accepted);
      return Promise.resolve(undefined);
    },
  };
}

function toToldLink(link: Link, { peer: from }: Origin, ends: Awaited<ReturnType<typeof readProxyHeader>>): Link {
  if (!ends) return link;
  const { address, reached, ...peer } = link.peer.address ? link.peer : from;
  const direct = { ...(address && { address }), ...(reached && { reached }) };
  return new ToldLink(link, { ...peer, address: ends.source, reached: ends.destination, direct });
}

/** A Link whose client is the one that its PROXY header tells. */
class ToldLink extends LinkView {
  override readonly peer: Peer;

  constructor(link: Link, peer: Peer) {
    super(link);
    this.peer = peer;
  }
}
