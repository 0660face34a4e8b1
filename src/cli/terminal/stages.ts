import { describeRoutes, formatListener, listStages } from '../../app/commands/chain.ts';
import type { ChainCheck } from '../../app/commands/chain.ts';
import type { Graph } from '../../app/commands/options.ts';
import { formatAddress } from '../../core/address.ts';
import { formatHop } from '../../core/hop.ts';

/** Describes the stages of a graph, one on each line with its routes below it, and marks those that are fused. */
export function describeStages(graph: Graph, fused: ReadonlySet<string>): string {
  const rows = listStages(graph).map((stage) => {
    const { route, to, job } = stage;
    const via = [
      ...(route.entry ? [formatAddress(route.entry)] : []),
      ...route.hops.map((choice) => choice.map(formatHop).join('|')),
    ];
    const routes = stage.job === 'http' ? describeRoutes(stage) : [];
    const asked =
      stage.job === 'http' ? (routes.length === 1 ? '1 route' : `${routes.length} routes`) : 'the requested target';
    const where = to === undefined ? asked : to.targets.map(formatAddress).join('|');
    const isFused = stage.listen.some((address) => address.kind === 'internal' && fused.has(address.name));
    return {
      name: stage.name,
      routes: routes.map(({ fits, does }) => `    ${fits} -> ${does}\n`),
      text: [
        job,
        `${stage.listen.map((address) => formatListener(stage, address)).join(', ')} -> ${where}${via.length === 0 ? '' : ` via ${via.join(', ')}`}`,
        ...(isFused ? ['[fused: no relay of its own]'] : []),
      ],
    };
  });
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .map(
      ({ name, text, routes }) =>
        `${name.padEnd(width)}  ${text[0]?.padEnd(7)}  ${text.slice(1).join('  ')}\n${routes.join('')}`,
    )
    .join('');
}

/** Describes what was tried for a graph, one on each line. */
export function describeTrials(trials: ChainCheck['trials']): string {
  const width = Math.max(...trials.map(({ place }) => place.length));
  return trials.map(({ what, place, outcome }) => `${what.padEnd(7)}  ${place.padEnd(width)}  ${outcome}\n`).join('');
}
