import { TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { fronts } from './all.ts';
import type { FirstByteTerms } from './first-byte.ts';
import type { Front } from './front.ts';

export type { Front, TunnelAsk } from './front.ts';

export { http } from './http.ts';

/** The kind of listener that takes every front on one address. */
const anyKind = 'any';

/** Lists the fronts of a kind of listener; none if there is no such kind. */
export function findFronts(kind: string): readonly Front[] {
  return kind === anyKind ? fronts : fronts.filter(({ name }) => name === kind);
}

/**
 * Finds the front of a Link among those of its listener.
 * @throws {TunlError} if the client does not say in time what it speaks; the Link has been reset then
 */
export async function chooseFront(choice: readonly Front[], link: Link, terms: FirstByteTerms): Promise<Front> {
  const [first, ...others] = choice;
  if (!first) throw new TunlError('internal', 'a listener has no front');
  if (others.length === 0) return first;
  const { recogniseFront } = await import('./first-byte.ts');
  return recogniseFront(choice, link, terms);
}
