import type { ForwardStage } from '../../chain/model/graph.ts';
import type { Address } from '../../core/address.ts';
import { lateRequest, requestLimit, within } from '../../core/deadline.ts';
import type { Dial, Origin } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import type { Link } from '../../core/link.ts';
import { parseFormat, writeText } from '../../syntax/format/format.ts';
import { createSetState } from '../../syntax/format/state.ts';
import { parseTarget } from '../../syntax/target.ts';
import { quoteAscii } from '../../syntax/text.ts';
import { peekServerName } from '../../tls/hello.ts';

/** What is known of a connection before it is dialled for. */
interface Prepared {
  readonly origin: Origin;
  readonly target: Address | undefined;
}

/** Gives the connections of a stage its values, and finds their targets. */
export interface Preparing {
  /** True if each connection names its target. */
  readonly isNamed: boolean;
  /**
   * Prepares a connection; if it has to say which server it asks for, its first bytes are waited for.
   * @throws {TunlError} destination_unavailable, if the target does not come out as `HOST:PORT`; http_request_error, if
   *   the first bytes do not come in time
   */
  prepare(origin: Origin, link: Link, draining: AbortSignal): Promise<Prepared>;
  /** Puts the same in front of a Dial, for the connections of a stage outside. */
  before(dial: Dial): Dial;
}

/** Prepares the connections of a stage with values or a target that has operators. */
export function createPreparing({
  targetFormat,
  state = [],
  to,
  peeks,
  helloMs,
}: Pick<ForwardStage, 'targetFormat' | 'state' | 'to'> & {
  readonly peeks: boolean;
  readonly helloMs: number;
}): Preparing {
  const format = targetFormat === undefined ? undefined : parseFormat(targetFormat);
  const setState = state.length > 0 ? createSetState(state) : undefined;
  const finish = (known: Origin): Prepared => {
    const origin = setState ? setState(known) : known;
    const target = format ? readTarget(writeText(format, { origin, began: Date.now() }, '-')) : to.targets[0];
    return { origin, target };
  };
  return {
    isNamed: format !== undefined,
    async prepare(origin, { stream }, draining) {
      if (!peeks) return finish(origin);
      const serverName = await within(requestLimit(helloMs), draining, lateRequest, (signal) =>
        peekServerName(stream, signal),
      );
      return finish(serverName === undefined ? origin : { ...origin, peer: { ...origin.peer, serverName } });
    },
    before: (dial) => async (address, ctx) => {
      const { origin, target } = finish(ctx.origin);
      const own = format && target ? target : address;
      return dial(own, { ...ctx, origin, ...(format && { target: own }) });
    },
  };
}

function readTarget(text: string): Address {
  try {
    return parseTarget(text);
  } catch (cause) {
    const message = `a connection asks for ${quoteAscii(text)}, which is not HOST:PORT`;
    throw new TunlError('destination_unavailable', message, { side: 'client', phase: 'request', cause });
  }
}
