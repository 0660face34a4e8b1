import { TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { fronts } from './all.ts';
import type { FirstByteTerms } from './first-byte.ts';
import type { Front } from './front.ts';
import { http } from './http.ts';

export type { Front, TunnelAsk } from './front.ts';

export { http } from './http.ts';

/** The kind of listener that takes every front on one address. */
const anyKind = 'any';

/** The words that select a front, or all of them, in front of an address. */
export const frontKinds: readonly string[] = [...fronts.map(({ name }) => name), anyKind];

/** Returns the scheme of a URL that leads programs to a front of this kind: HTTP if it speaks that, as most of them do. */
export function urlSchemeOf(kind: string): string {
  const choice = findFronts(kind);
  return (choice.find(({ name }) => name === http.name) ?? choice[0] ?? http).urlScheme;
}

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
