import { formatAddress } from '../../core/address.ts';
import type { DialContext } from '../../core/dialer.ts';
import { type HopPosition, TunlError } from '../../core/errors.ts';
import type { Hop } from '../../core/hop.ts';
import { resetError } from '../../core/link.ts';
import { askWith, attemptContext, isFinalFailure } from '../../resume/again.ts';
import { openResumable } from '../../resume/near.ts';
import type { ResumeTerms } from '../../resume/setting.ts';
import type { ViaLayer } from '../../dial/via.ts';

/** Makes the tunnels of a hop outlive their transports: when one is lost, the hop is dialled again, over the whole way. */
export function resumable(via: ViaLayer, hop: Hop, position: HopPosition, terms: ResumeTerms): ViaLayer {
  let hasTold = false;
  const tellOnce = (ctx: DialContext) => {
    if (!hasTold) ctx.onNotice?.('warning', `${unknownMessage(hop)}: its tunnels end with their connections`);
    hasTold = true;
  };
  return {
    ...via,
    layer: (next) => {
      const open = via.layer(next);
      // A stream needs a tunnel, so requests go through one too.
      return async (address, { form: _ofTheTarget, ...ctx }) => {
        const { link, isKnown } = await openResumable({
          name: formatAddress(hop.address),
          holdMs: terms.holdMs,
          dial: async (field, attempt, signal) => {
            const asking = askWith(field, attemptContext(ctx, attempt, signal), position.index);
            return { link: await open(address, asking.ctx), answer: asking.answer };
          },
          isFinal: (error) => isFinalFailure(error, position.index),
        });
        if (isKnown) {
          if (link.resumption) ctx.onResumable?.(link.resumption);
          return link;
        }
        if (!terms.isOptional) {
          link.reset(resetError('the tunnel could not be resumed'));
          throw unknownError(hop, position);
        }
        tellOnce(ctx);
        return link;
      };
    },
  };
}

function unknownMessage(hop: Hop): string {
  return `${formatAddress(hop.address)} does not know resumable tunnels`;
}

function unknownError(hop: Hop, position: HopPosition): TunlError {
  return new TunlError('http_protocol_error', unknownMessage(hop), {
    side: 'hop',
    hop: position,
    phase: 'handshake',
    hints: [
      'it needs to be a tunl serve with --resume 10m, and no proxy between may drop the field Tunl-Resume',
      'resume=10m,optional opens plain tunnels where it is not known',
    ],
  });
}
