import { formatAddress, type InternalAddress } from '../../core/address.ts';
import { formatHop } from '../../core/hop.ts';
import { describeRoutes } from './http-text.ts';
import {
  asksUsers,
  type Stage,
  type Graph,
  formatListener,
  listNames,
  listStages,
  listRoutesOut,
  type StagePolicy,
  type Target,
  type Exit,
} from '../model/graph.ts';

/** A box in a picture: a stage or a target. */
export interface PictureNode {
  readonly kind: 'stage' | 'target';
  readonly title: string;
  /** The lines below its title. */
  readonly lines: readonly string[];
}

/** An arrow from one node to another. */
export interface PictureEdge {
  readonly from: PictureNode;
  readonly to: PictureNode;
  /** The internal listener through which it leads, the requests that take it, and its proxies, nearest first. */
  readonly labels: readonly string[];
  /** True if both ends are fused in the running program. */
  readonly isFused: boolean;
}

/** A graph prepared for drawing, without secrets. Nodes and edges are in the order of the stages. */
export interface Picture {
  readonly nodes: readonly PictureNode[];
  readonly edges: readonly PictureEdge[];
}

/** The open tunnels of a stage, and their bytes. */
export interface StageCounters {
  readonly tunnels: number;
  readonly sent: number;
  readonly received: number;
}

/** Facts that a picture shows beside the graph itself. */
export interface PictureOptions {
  /** Names of the internal listeners that are fused with their predecessors. */
  readonly fused: ReadonlySet<string>;
  /** Counters by the name of the stage; a picture without them shows none. */
  readonly counters?: ReadonlyMap<string, StageCounters>;
}

/** Makes the picture of a graph. */
export function makePicture(graph: Graph, { fused, counters }: PictureOptions): Picture {
  const stages = listStages(graph);
  const nodes = new Map<Stage, PictureNode>();
  const byName = new Map<string, PictureNode>();
  for (const stage of stages) {
    const node: PictureNode = { kind: 'stage', title: stage.name, lines: describeStage(stage, counters) };
    nodes.set(stage, node);
    for (const name of listNames(stage)) byName.set(name, node);
  }
  const targets: PictureNode[] = [];
  const showTarget = (title: string): PictureNode => {
    const known = targets.find((target) => target.title === title);
    if (known) return known;
    const made: PictureNode = { kind: 'target', title, lines: [] };
    targets.push(made);
    return made;
  };
  const edges = [...nodes].flatMap(([stage, from]) =>
    listRoutesOut(stage).flatMap((way) => {
      const requests = describeRequests(stage, way);
      const lead = (exit: InternalAddress, hops: readonly string[]): PictureEdge => ({
        from,
        to: byName.get(exit.name) ?? showTarget(formatAddress(exit)),
        labels: [formatAddress(exit), ...requests, ...hops],
        isFused: fused.has(exit.name),
      });
      const hops = describeHops(way);
      if (way.route.entry) return [lead(way.route.entry, way.upstream ? describeBeyond(way) : [])];
      return listEnds(way).map((end) =>
        typeof end !== 'string' && end.kind === 'internal'
          ? lead(end, hops)
          : {
              from,
              to: showTarget(typeof end === 'string' ? end : formatAddress(end)),
              labels: [...requests, ...hops],
              isFused: false,
            },
      );
    }),
  );
  return { nodes: [...nodes.values(), ...targets], edges };
}

const asked = 'the requested target';

/** The maximum number of routes beside an arrow. */
const maxRoutes = 3;

function listEnds({ to, upstream }: Exit): readonly (Target | string)[] {
  if (upstream && 'field' in upstream.to) return [`the target in ${upstream.to.field}`];
  return to ? to.targets : [asked];
}

function describeHops({ route }: Exit): readonly string[] {
  return route.hops.map((choice) => `via ${choice.map(formatHop).join(' or ')}`);
}

/** Describes the requests that an upstream gets. */
function describeRequests(stage: Stage, { upstream }: Exit): readonly string[] {
  if (stage.job !== 'http' || !upstream) return [];
  const routes = describeRoutes(stage).filter((route) => route.upstream === upstream.name);
  const more = routes.length > maxRoutes ? [`and ${routes.length - maxRoutes} more`] : [];
  return [...routes.slice(0, maxRoutes).map(({ fits }) => fits), ...more];
}

function describeAnswers(stage: Stage): readonly string[] {
  if (stage.job !== 'http') return [];
  return describeRoutes(stage).flatMap(({ fits, does, upstream }) =>
    upstream === undefined ? [`${fits}: ${does}`] : [],
  );
}

function describeStage(stage: Stage, counters: ReadonlyMap<string, StageCounters> | undefined): readonly string[] {
  const { listen, tls, log, route } = stage;
  const outside = listen.filter(({ kind }) => kind !== 'internal').map((address) => formatListener(stage, address));
  const traits = [
    ...(tls ? [tls.clientCa === undefined ? 'TLS' : 'TLS with client certificates'] : []),
    describeJob(stage),
    ...describeBalance(stage),
    ...(log ? ['log'] : []),
  ];
  const counted = counters?.get(stage.name);
  return [
    ...outside.map((address) => `on ${address}`),
    traits.join(', '),
    ...(route.entry && stage.job !== 'http' ? listRoutesOut(stage).flatMap(describeBeyond) : []),
    ...describeAnswers(stage),
    ...(counted ? [describeCounters(counted)] : []),
  ];
}

function describeJob(stage: Stage): string {
  switch (stage.job) {
    case 'forward':
      return stage.job;
    case 'http':
      return [stage.job, ...describePolicy(stage, 'requests')].join(', ');
    case 'proxy': {
      const { accept, proxyProtocol } = stage;
      return [
        accept.length === 0 ? 'proxy' : `proxy with ${accept.join(', ')}`,
        ...describePolicy(stage, 'tunnels'),
        ...(proxyProtocol ? [`PROXY ${proxyProtocol}`] : []),
      ].join(', ');
    }
  }
}

function describePolicy(policy: Partial<StagePolicy>, what: string): string[] {
  const { allow = [], deny = [], caps } = policy;
  const rules = allow.length + deny.length;
  return [
    ...(asksUsers(policy) ? ['users'] : []),
    ...(rules > 0 ? [rules === 1 ? '1 rule' : `${rules} rules`] : []),
    ...(caps?.total === undefined ? [] : [`at most ${caps.total} ${what}`]),
  ];
}

function describeBalance({ to }: Stage): string[] {
  if (!to || to.targets.length < 2) return [];
  return [to.balance === 'first' ? 'first that answers' : 'in turn'];
}

/** Describes hops and targets behind an internal listener, which have no edge of their own. */
function describeBeyond(way: Exit): readonly string[] {
  const ends = listEnds(way).map((end) => (typeof end === 'string' ? end : formatAddress(end)));
  return [`to ${ends.join(' or ')}`, ...describeHops(way)];
}

function describeCounters({ tunnels, sent, received }: StageCounters): string {
  const count = tunnels === 1 ? '1 tunnel' : `${tunnels} tunnels`;
  return `${count}, sent ${formatBytes(sent)}, received ${formatBytes(received)}`;
}

const units = ['K', 'M', 'G', 'T'] as const;

/** Writes a number of bytes in powers of 1024, as in the tables of tunnels. */
function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = '';
  for (const next of units) {
    if (amount < 999.5) break;
    amount /= 1024;
    unit = next;
  }
  return unit === '' || amount >= 9.95 ? `${Math.round(amount)}${unit}` : `${amount.toFixed(1)}${unit}`;
}
