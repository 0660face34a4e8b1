import type { TunnelFacts } from './subject.ts';

/** The most tunnels that a page shows at a time; its filter finds the others. */
const maxShown = 100;

/** The values by which tunnels can be sorted. */
const values: Readonly<Record<string, (tunnel: TunnelFacts) => number | string>> = {
  id: ({ id }) => id,
  peer: ({ peer, user }) => user ?? peer,
  target: ({ target }) => target,
  age: ({ ageMs }) => ageMs,
  sent: ({ sent }) => sent,
  received: ({ received }) => received,
  rate: ({ sentRate, receivedRate }) => sentRate + receivedRate,
};

/** The tunnels that a page asks for. */
export interface TunnelChoice {
  /** A text that a fact of the tunnel contains, whatever the case of its letters. */
  readonly filter: string;
  /** The name of a stage that it passes, or nothing. */
  readonly stage: string;
  readonly sort: string;
  readonly isDescending: boolean;
}

/** Reads a choice from a query. */
export function readChoice(query: URLSearchParams): TunnelChoice {
  return {
    filter: (query.get('filter') ?? '').toLowerCase(),
    stage: query.get('stage') ?? '',
    sort: query.get('sort') ?? 'id',
    isDescending: query.get('order') === 'desc',
  };
}

/** Chooses among tunnels: the first ones in the order that was asked for, and the number of those that fit. */
export function chooseTunnels(
  tunnels: readonly TunnelFacts[],
  { filter, stage, sort, isDescending }: TunnelChoice,
): { readonly fitting: number; readonly shown: readonly TunnelFacts[] } {
  const fitting = tunnels.filter(
    (tunnel) => (stage === '' || tunnel.stages.includes(stage)) && (filter === '' || toText(tunnel).includes(filter)),
  );
  const valueOf = Object.hasOwn(values, sort) ? values[sort] : values['id'];
  if (!valueOf) return { fitting: 0, shown: [] };
  const sign = isDescending ? -1 : 1;
  const sorted = fitting.toSorted((one, other) => {
    const [left, right] = [valueOf(one), valueOf(other)];
    return left === right ? one.id - other.id : left < right ? -sign : sign;
  });
  return { fitting: fitting.length, shown: sorted.slice(0, maxShown) };
}

function toText({ id, peer, user, target, stages, via, state }: TunnelFacts): string {
  return [id, peer, user ?? '', target, ...stages, ...via, state].join('\n').toLowerCase();
}
