import { formatAddress } from '../../core/address.ts';
import type { DialContext } from '../../core/dialer.ts';
import { type ErrorCode, type HopPosition, TunlError } from '../../core/errors.ts';
import { type HeaderField, type Hop } from '../../core/hop.ts';
import { resetError } from '../../core/link.ts';
import { openResumable } from '../../resume/near.ts';
import type { ResumeTerms } from '../../resume/setting.ts';
import { backOff, pause } from '../../dial/retry.ts';
import type { ViaLayer } from '../../dial/via.ts';

/** The statuses with which a hop says that it will not change its mind. */
const refusals: ReadonlySet<number | undefined> = new Set([401, 407]);

/** The status for a stream that the far end does not know, or no more. */
const unknownStatus = 404;

/** Failures that lie with this process. */
const own: ReadonlySet<ErrorCode> = new Set(['usage', 'internal', 'interrupted']);

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
      return async (address, ctx) => {
        const { link, isKnown } = await openResumable({
          name: formatAddress(hop.address),
          holdMs: terms.holdMs,
          dial: async (field, attempt, signal) => {
            let answer: readonly HeaderField[] = [];
            const dialled = attempt === 0 ? ctx : again(ctx, attempt, signal);
            const onAnswer: DialContext['onAnswer'] = (given) => {
              // The last answer of the hop itself is the one that has opened the tunnel.
              if (given.hop === position.index) answer = given.headers;
              dialled.onAnswer?.(given);
            };
            return { link: await open(address, { ...dialled, fields: [field], onAnswer }), answer };
          },
          isFinal: (error) => isFinal(error, position),
          pause: pauseBefore,
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

/** The context of a later dial: the tunnel is up, so its own dial is over. A connection that hung is not used again. */
export function again(ctx: DialContext, attempt: number, signal: AbortSignal): DialContext {
  const { target, hop, origin, upstream, onProgress, onFailure, onNotice, checkDirect } = ctx;
  return {
    signal,
    target,
    origin,
    fresh: attempt > 1,
    ...(hop && { hop }),
    ...(upstream !== undefined && { upstream }),
    ...(onProgress && { onProgress }),
    ...(onFailure && { onFailure }),
    ...(onNotice && { onNotice }),
    ...(checkDirect && { checkDirect }),
  };
}

/** Waits before an attempt: not at all before the first, which is all that a single cut needs. */
export async function pauseBefore(attempt: number, signal: AbortSignal): Promise<void> {
  if (attempt > 1) await pause(backOff(attempt - 2, Math.random()), signal);
}

/** True for a failure after which it is useless to dial again: a refusal for good, or of a stream that is not known. */
export function isFinal(error: unknown, { index }: HopPosition): boolean {
  if (!(error instanceof TunlError)) return true;
  const { received, hop } = error.facts;
  if (received === unknownStatus && hop?.index === index) return true;
  return refusals.has(received) || own.has(error.code);
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
