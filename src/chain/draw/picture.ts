import { type Address, formatAddress } from '../../core/address.ts';
import { formatHop, type Hop } from '../../core/hop.ts';
import {
  type Exit,
  type Graph,
  type HopChoice,
  listRoutesOut,
  listStages,
  type Stage,
  type Target,
} from '../model/graph.ts';
import { describeRoutes } from './http-text.ts';
import { findOwnStage } from './own-stages.ts';
import { describeStage, formatBytes, type StageCounters } from './stage-text.ts';

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

/** The bytes per second along an arrow, and back. */
export interface EdgeRate {
  readonly sent: number;
  readonly received: number;
}

/** An arrow from one node to another. */
export interface PictureEdge {
  readonly from: PictureNode;
  readonly to: PictureNode;
  /** The internal listener through which it leads, the requests that take it, and its proxies, nearest first. */
  readonly labels: readonly PictureLabel[];
  /** True if both ends are fused in the running program. */
  readonly isFused: boolean;
  /** Present in the picture of a running graph. */
  readonly rate?: EdgeRate;
}

/** A graph prepared for drawing, without secrets. Nodes and edges are in the order of the stages. */
export interface Picture {
  readonly nodes: readonly PictureNode[];
  readonly edges: readonly PictureEdge[];
  /** True for the picture of a running graph, with rates. */
  readonly isLive?: boolean;
}

/** Facts that a picture shows beside the graph itself. */
export interface PictureOptions {
  /** Names of the internal listeners that are fused with their predecessors. */
  readonly fused: ReadonlySet<string>;
  /** Counters by the name of the stage; a picture without them shows none. */
  readonly counters?: ReadonlyMap<string, StageCounters>;
  /** The schemes whose hops are reached over TLS; without them no hop is shown as secured. */
  readonly secured?: ReadonlySet<string>;
  /** Returns the rate between two nodes, by their titles; a picture without it shows no rates. */
  readonly rateOf?: (from: string, to: string) => EdgeRate;
}

const asked = 'the requested target';

/** The maximum number of routes beside an arrow. */
const maxRoutes = 3;

/** Makes the picture of a graph. */
export function makePicture(graph: Graph, options: PictureOptions): Picture {
  return new Sketch(graph, options).finish();
}

/** A picture while it is made. */
class Sketch {
  readonly #stages: ReadonlyMap<Stage, PictureNode>;
  readonly #targets: PictureNode[] = [];
  readonly #fused: ReadonlySet<string>;
  readonly #secured: ReadonlySet<string>;
  readonly #rateOf: PictureOptions['rateOf'];

  constructor(graph: Graph, { fused, counters, secured = new Set(), rateOf }: PictureOptions) {
    this.#fused = fused;
    this.#secured = secured;
    this.#rateOf = rateOf;
    this.#stages = new Map(
      listStages(graph).map((stage) => [stage, showStage(stage, counters?.get(stage.name))] as const),
    );
  }

  finish(): Picture {
    const edges = [...this.#stages].flatMap(([stage, from]) =>
      listRoutesOut(stage).flatMap((way) => this.#showExit(stage, from, way)),
    );
    const nodes = [...this.#stages.values(), ...this.#targets];
    return this.#rateOf ? { nodes, edges: edges.map((edge) => this.#measure(edge)), isLive: true } : { nodes, edges };
  }

  #measure(edge: PictureEdge): PictureEdge {
    const { from, to } = edge;
    return this.#rateOf ? { ...edge, rate: this.#rateOf(from.title, to.title) } : edge;
  }

  #showExit(stage: Stage, from: PictureNode, way: Exit): PictureEdge[] {
    const requests = toLabels(describeRequests(stage, way));
    const security = way.tls ? [{ text: 'over TLS', isSecured: true }] : [];
    const { entry, hops } = way.route;
    if (entry) {
      const beyond = way.upstream ? [...toLabels(describeEnds(way)), ...this.#describeHops(hops)] : [];
      return [this.#lead(from, entry, true, [...requests, ...beyond, ...security])];
    }
    const [nearest = [], ...further] = hops;
    const inside = nearest.flatMap((hop): PictureEdge[] => {
      const to = this.#findHop(hop);
      if (!to) return [];
      const beyond = [...this.#describeHops([[hop], ...further]), ...toLabels(describeEnds(way))];
      return [{ from, to, labels: [...requests, ...beyond, ...security], isFused: false }];
    });
    const outside = nearest.filter((hop) => !this.#findHop(hop));
    if (nearest.length > 0 && outside.length === 0) return inside;
    const rest = outside.length === 0 ? [] : [outside, ...further];
    const labels = [...requests, ...this.#describeHops(rest), ...security];
    return [...inside, ...listEnds(way).map((end) => this.#lead(from, end, hops.length === 0, labels))];
  }

  /** Leads to an end of a route. Behind proxies the address of a stage is a place on another machine (`isNear` is false). */
  #lead(from: PictureNode, end: Target | string, isNear: boolean, labels: readonly PictureLabel[]): PictureEdge {
    if (typeof end === 'string') return { from, to: this.#addTarget(end), labels, isFused: false };
    const isInternal = end.kind === 'internal';
    const own = isNear || isInternal ? this.#findStage(end) : undefined;
    const title = formatAddress(end);
    return {
      from,
      to: own ?? this.#targets.find((target) => target.title === title) ?? this.#addTarget(title),
      labels: own || isInternal ? [...toLabels([title]), ...labels] : labels,
      isFused: isInternal && this.#fused.has(end.name),
    };
  }

  #addTarget(title: string): PictureNode {
    const target: PictureNode = { kind: 'target', isSecured: false, title, lines: [] };
    this.#targets.push(target);
    return target;
  }

  #findStage(address: Address): PictureNode | undefined {
    const stage = findOwnStage(address, this.#stages.keys());
    return stage && this.#stages.get(stage);
  }

  #findHop({ chooser, address }: Hop): PictureNode | undefined {
    return chooser ? undefined : this.#findStage(address);
  }

  #describeHops(hops: readonly HopChoice[]): PictureLabel[] {
    const isSecured = ({ chooser, scheme }: Hop) => !chooser && this.#secured.has(scheme);
    return hops.map((choice) => ({ text: describeChoice(choice), isSecured: choice.every(isSecured) }));
  }
}

function showStage(stage: Stage, counters: StageCounters | undefined): PictureNode {
  const { job, name, tls, route } = stage;
  const beyond = route.entry && job !== 'http' ? listRoutesOut(stage).flatMap(describeBeyond) : [];
  return {
    kind: 'stage',
    job,
    isSecured: tls !== undefined,
    title: name,
    lines: describeStage(stage, beyond, counters),
  };
}

/** Lists the lines beside an arrow. */
export function listLabels({ labels, isFused, rate }: PictureEdge): readonly PictureLabel[] {
  return [...labels, ...toLabels([...(isFused ? ['fused'] : []), ...(rate ? [describeRate(rate)] : [])])];
}

/** Writes a rate; a rate with more digits is not wider, so that nothing moves in a drawing that is drawn again. */
function describeRate({ sent, received }: EdgeRate): string {
  return `→${formatBytes(sent).padStart(4)}/s ←${formatBytes(received).padStart(4)}/s`;
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

function describeChoice(choice: HopChoice): string {
  return `via ${choice.map(formatHop).join(' or ')}`;
}

/** Describes hops and targets behind an internal listener, which have no edge of their own. */
function describeBeyond(way: Exit): readonly string[] {
  return [...describeEnds(way), ...way.route.hops.map(describeChoice)];
}

/** Describes the requests that an upstream gets. */
function describeRequests(stage: Stage, { upstream, pattern }: Exit): readonly string[] {
  if (pattern !== undefined) return [pattern];
  if (stage.job !== 'http' || !upstream) return [];
  const routes = describeRoutes(stage).filter((route) => route.upstream === upstream.name);
  const more = routes.length > maxRoutes ? [`and ${routes.length - maxRoutes} more`] : [];
  return [...routes.slice(0, maxRoutes).map(({ fits }) => fits), ...more];
}
