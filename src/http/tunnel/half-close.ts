import { formatAddress } from '../../core/address.ts';
import { type HalfClose, halfCloses, type HeaderField, type Hop } from '../../core/hop.ts';
import type { HalfCloseTerms } from '../../core/link.ts';
import { fieldValues } from '../wire/message.ts';

/** How a server that lets each half of a tunnel end for itself says so. */
export const halfCloseField: HeaderField = ['Tunl-Half-Close', '1'];

/** Fields in which programs name themselves. */
const naming = ['server', 'via', 'proxy-agent', 'x-squid-error', 'x-cache'] as const;

/** Programs that take an end of one half for the end of both, or keep it to themselves until the target has ended. */
const swallowing = /\b(?:squid|tinyproxy|nghttpx|ncat|privoxy|polipo|3proxy|cow|proxy\.py)\b/i;

/**
 * What is known of how a hop that opened a tunnel takes our end; undefined where it may go out at once. `usual` is what
 * holds where neither the user nor the answer says anything, and `below` what is known of the hops that the end
 * passes before it comes to this one: the most careful of all holds.
 */
export function readHalfClose(
  hop: Hop,
  answer: readonly HeaderField[],
  usual: HalfClose,
  below?: HalfCloseTerms,
): HalfCloseTerms | undefined {
  const own = readOwn(hop, answer, usual);
  if (!own || !below) return own ?? below;
  const [first, second] = rank(own) >= rank(below) ? [own, below] : [below, own];
  return { ...first, swallows: first.swallows || second.swallows };
}

function readOwn(hop: Hop, answer: readonly HeaderField[], usual: HalfClose): HalfCloseTerms | undefined {
  const when = hop.halfClose ?? (isKept(answer) ? 'now' : usual);
  const isTrusted = when === 'now' && (hop.halfClose === undefined || usual === 'now' || isKept(answer));
  if (isTrusted) return undefined;
  const isKnown = naming.some((name) => fieldValues(answer, name).some((value) => swallowing.test(value)));
  const place = formatAddress(hop.address);
  return { when, hop: place, swallows: isKnown || hop.halfClose === 'wait' };
}

/** Whoever passed the answer on may have passed the field on too, and speaks for nobody but the server behind it. */
function isKept(answer: readonly HeaderField[]): boolean {
  const [name, value] = halfCloseField;
  return fieldValues(answer, name.toLowerCase()).includes(value) && fieldValues(answer, 'via').length === 0;
}

function rank({ when }: HalfCloseTerms): number {
  return halfCloses.indexOf(when);
}
