import { formatAddress } from '../../core/address.ts';
import { formatHop, type Hop } from '../../core/hop.ts';
import { type Exit, type Graph, listRoutesOut, listStages, type Stage, type Target } from '../model/graph.ts';
import { describeRoutes } from './http-text.ts';
import { findOwnStage } from './own-stages.ts';
import { describeStage, type StageCounters } from './stage-text.ts';

export type { StageCounters } from './stage-text.ts';

/** A box in a picture: a stage or a target. */
export interface PictureNode {
  readonly kind: 'stage' | 'target';
  /** The job of a stage. */
  readonly job?: Stage['job'];
  /** True for a stage whose clients speak TLS to it. */
  readonly isSecured: boolean;
  readonly title: string;
  /** The lines below its title. */
  readonly lines: readonly string[];
}

/** A line beside an arrow. */
export interface PictureLabel {
  readonly text: string;
  /** True for a proxy or an upstream that is reached over TLS. */
  readonly isSecured: boolean;
}

/** An arrow from one node to another. */
export interface PictureEdge {
  readonly from: PictureNode;
  readonly to: PictureNode;
  /** The internal listener through which it leads, the requests that take it, and its proxies, nearest first. */
  readonly labels: readonly PictureLabel[];
  /** True if both ends are fused in the running program. */
  readonly isFused: boolean;
}

/** A graph prepared for drawing, without secrets. Nodes and edges are in the order of the stages. */
export interface Picture {
  readonly nodes: readonly PictureNode[];
  readonly edges: readonly PictureEdge[];
}

/** Facts that a picture shows beside the graph itself. */
export interface PictureOptions {
  /** Names of the internal listeners that are fused with their predecessors. */
  readonly fused: ReadonlySet<string>;
  /** Counters by the name of the stage; a picture without them shows none. */
  readonly counters?: ReadonlyMap<string, StageCounters>;
  /** The schemes whose hops are reached over TLS; without them no hop is shown as secured. */
  readonly secured?: ReadonlySet<string>;
}

const asked = 'the requested target';

/** The maximum number of routes beside an arrow. */
const maxRoutes = 3;

/** Makes the picture of a graph. */
export function makePicture(graph: Graph, { fused, counters, secured = new Set() }: PictureOptions): Picture {
  const stages = new Map(
    listStages(graph).map((stage) => {
      const beyond = stage.route.entry && stage.job !== 'http' ? listRoutesOut(stage).flatMap(describeBeyond) : [];
      const node: PictureNode = {
        kind: 'stage',
        job: stage.job,
        isSecured: stage.tls !== undefined,
        title: stage.name,
        lines: describeStage(stage, beyond, counters?.get(stage.name)),
      };
      return [stage, node];
    }),
  );
  const targets: PictureNode[] = [];
  const showTarget = (title: string, isFixed: boolean): PictureNode => {
    const known = targets.find((target) => target.title === title);
    if (known && isFixed) return known;
    const made: PictureNode = { kind: 'target', isSecured: false, title, lines: [] };
    targets.push(made);
    return made;
  };
  const isSecuredHop = (hop: Hop) => !hop.chooser && secured.has(hop.scheme);
  const toHopLabels = (hops: Exit['route']['hops']): PictureLabel[] =>
    hops.map((choice) => ({ text: describeChoice(choice), isSecured: choice.every(isSecuredHop) }));
  const showExit = (stage: Stage, from: PictureNode, way: Exit): PictureEdge[] => {
    const requests = toLabels(describeRequests(stage, way));
    const lead = (end: Target | string, labels: readonly PictureLabel[]): PictureEdge => {
      const address = typeof end === 'string' ? undefined : end;
      // Behind proxies the same address is a place on another machine.
      const isDialled = address?.kind === 'internal' || way.route.hops.length === 0;
      const own = address && isDialled ? findOwnStage(address, stages.keys()) : undefined;
      const title = typeof end === 'string' ? end : formatAddress(end);
      return {
        from,
        to: (own && stages.get(own)) ?? showTarget(title, address !== undefined),
        labels: [...(own || address?.kind === 'internal' ? toLabels([title]) : []), ...labels],
        isFused: address?.kind === 'internal' && fused.has(address.name),
      };
    };
    const { entry, hops } = way.route;
    const security = way.upstream?.tls ? [{ text: 'over TLS', isSecured: true }] : [];
    if (entry) {
      const beyond = way.upstream ? [...toLabels(describeEnds(way)), ...toHopLabels(hops)] : [];
      return [lead(entry, [...requests, ...beyond, ...security])];
    }
    const [nearest = [], ...further] = hops;
    const inside = nearest.flatMap((hop): PictureEdge[] => {
      const own = hop.chooser ? undefined : findOwnStage(hop.address, stages.keys());
      const to = own && stages.get(own);
      if (!to) return [];
      const via = { text: describeChoice([hop]), isSecured: isSecuredHop(hop) };
      const labels = [...requests, via, ...toHopLabels(further), ...toLabels(describeEnds(way)), ...security];
      return [{ from, to, labels, isFused: false }];
    });
    const outside = nearest.filter((hop) => hop.chooser || !findOwnStage(hop.address, stages.keys()));
    if (nearest.length > 0 && outside.length === 0) return inside;
    const labels = [...requests, ...toHopLabels(nearest.length > 0 ? [outside, ...further] : []), ...security];
    return [...inside, ...listEnds(way).map((end) => lead(end, labels))];
  };
  const edges = [...stages].flatMap(([stage, from]) =>
    listRoutesOut(stage).flatMap((way) => showExit(stage, from, way)),
  );
  return { nodes: [...stages.values(), ...targets], edges };
}

/** Lists the lines beside an arrow. */
export function listLabels({ labels, isFused }: PictureEdge): readonly PictureLabel[] {
  return [...labels, ...(isFused ? toLabels(['fused']) : [])];
}

function toLabels(texts: readonly string[]): PictureLabel[] {
  return texts.map((text) => ({ text, isSecured: false }));
}

function listEnds({ to, upstream }: Exit): readonly (Target | string)[] {
  if (upstream && 'field' in upstream.to) return [`the target in ${upstream.to.field}`];
  return to ? to.targets : [asked];
}

function describeEnds(way: Exit): string[] {
  const ends = listEnds(way).map((end) => (typeof end === 'string' ? end : formatAddress(end)));
  return [`to ${ends.join(' or ')}`];
}

function describeChoice(choice: readonly Hop[]): string {
  return `via ${choice.map(formatHop).join(' or ')}`;
}

/** Describes hops and targets behind an internal listener, which have no edge of their own. */
function describeBeyond(way: Exit): readonly string[] {
  return [...describeEnds(way), ...way.route.hops.map(describeChoice)];
}

/** Describes the requests that an upstream gets. */
function describeRequests(stage: Stage, { upstream }: Exit): readonly string[] {
  if (stage.job !== 'http' || !upstream) return [];
  const routes = describeRoutes(stage).filter((route) => route.upstream === upstream.name);
  const more = routes.length > maxRoutes ? [`and ${routes.length - maxRoutes} more`] : [];
  return [...routes.slice(0, maxRoutes).map(({ fits }) => fits), ...more];
}
