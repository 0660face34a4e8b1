import { formatAddress } from '../../core/address.ts';
import { type HalfClose, halfCloses, type HeaderField, type Hop } from '../../core/hop.ts';
import { type HalfCloseTerms, type Link, LinkView } from '../../core/link.ts';
import { fieldValues } from '../wire/message.ts';

/** The field with which a server announces that each half of its tunnels ends independently. */
export const halfCloseField: HeaderField = ['Tunl-Half-Close', '1'];

/** Fields in which programs name themselves. */
const naming = ['server', 'via', 'proxy-agent', 'x-squid-error', 'x-cache'] as const;

/** Programs that treat the end of one half as the end of both, or do not forward it until the target has ended. */
const swallowing = /\b(?:squid|tinyproxy|nghttpx|ncat|privoxy|polipo|3proxy|cow|proxy\.py)\b/i;

/**
 * Decides when our FIN may be sent through a hop that opened a tunnel; returns undefined if it may be sent at once.
 * `usual` applies if neither the user nor the answer says anything. `below` holds the terms of the hops that the FIN
 * passes before this one; the most careful terms apply.
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

/** The Link with terms for our FIN. */
export function withHalfClose(link: Link, terms: HalfCloseTerms | undefined): Link {
  return terms ? new TermedLink(link, terms) : link;
}

class TermedLink extends LinkView {
  readonly halfClose: HalfCloseTerms;

  constructor(link: Link, halfClose: HalfCloseTerms) {
    super(link);
    this.halfClose = halfClose;
  }
}

function readOwn(hop: Hop, answer: readonly HeaderField[], usual: HalfClose): HalfCloseTerms | undefined {
  const isSaid = isKept(answer);
  const found = hop.halfClose === undefined ? hop.keptHalves : undefined;
  const when = hop.halfClose ?? (isSaid || found ? 'now' : usual);
  if (when === 'now' && (usual === 'now' || isSaid)) return undefined;
  const place = formatAddress(hop.address);
  if (found) return { when, hop: place, swallows: false, forget: found.forget };
  const isKnown = naming.some((name) => fieldValues(answer, name).some((value) => swallowing.test(value)));
  return { when, hop: place, swallows: isKnown || hop.halfClose === 'wait' };
}

/**
 * True if the answer has the half-close field and no `Via`: a proxy that forwards an answer may forward the field too,
 * and then the field describes only the server behind that proxy.
 */
export function isKept(answer: readonly HeaderField[]): boolean {
  const [name, value] = halfCloseField;
  return fieldValues(answer, name.toLowerCase()).includes(value) && fieldValues(answer, 'via').length === 0;
}

function rank({ when }: HalfCloseTerms): number {
  return halfCloses.indexOf(when);
}
