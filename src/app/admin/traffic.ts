import { type Stage, type Graph, listStages } from '../../chain/model/graph.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import type { Dial, Layer } from '../../core/dialer.ts';
import type { TunnelEnd, TunlEvent } from '../../core/events.ts';
import type { Link } from '../../core/link.ts';
import { Histogram } from '../../telemetry/histogram.ts';
import type { Tunnel } from '../tunnel/tunnels.ts';
import { Flows } from './flows.ts';
import { Journal } from './journal.ts';
import { PauseCounts } from './pauses.ts';

/** Counts the connections to one address, or from one listener. */
export class ConnectionCounts {
  total = 0;
  active = 0;
  failed = 0;

  /** Counts a Link as active until it closes, and tells then for how long it was open, in milliseconds. */
  follow({ stream }: Link, onClose?: (ms: number) => void): void {
    const started = performance.now();
    this.active++;
    stream.once('close', () => {
      this.active--;
      onClose?.(performance.now() - started);
    });
  }
}

/** The connections that a listener accepted, and for how long they were open. */
export class ListenerCounts extends ConnectionCounts {
  readonly lengths = new Histogram();
}

/** How long the connections to an upstream took to be made, how long they were open, and how long requests took there. */
class UpstreamTimes {
  readonly connects = new Histogram();
  readonly lengths = new Histogram();
  readonly requests = new Histogram();
}

/** For how long the clients of an HTTP stage were connected, and how long their requests and tunnels took. */
export class ClientTimes {
  readonly connections = new Histogram();
  readonly requests = new Histogram();
}

/** The counts of the connections that a stage makes. */
export interface UpstreamCounts {
  readonly all: ConnectionCounts;
  readonly times: UpstreamTimes;
  /** The addresses that are known in advance; the targets that clients ask a proxy for are unbounded. */
  readonly hosts: ReadonlyMap<string, { readonly address: Address; readonly connections: ConnectionCounts }>;
}

/** The counts of the tunnels of a stage that are over. */
export interface StageCounts {
  tunnels: number;
  sent: number;
  received: number;
  /** Those that had reached the limit of their age. */
  expired: number;
}

/** What screens decide about. */
export type Screened = 'connections' | 'requests';

/** Counts what screens decide. */
export interface ScreenCounts {
  allowed: number;
  denied: number;
}

/**
 * Counts the connections accepted by the listeners, the connections to each upstream and the ends of tunnels, but only
 * while there is an admin address. Open tunnels are read from the table of tunnels.
 */
export class Traffic {
  readonly listeners = new Map<string, ListenerCounts>();
  readonly stages = new Map<string, StageCounts>();
  /** What the screens for connections and for requests decide, by stage. */
  readonly screens: Readonly<Record<Screened, Map<string, ScreenCounts>>> = {
    connections: new Map(),
    requests: new Map(),
  };
  readonly ends = new Map<TunnelEnd, number>();
  readonly failures = new Map<string, number>();
  readonly ended = { sent: 0, received: 0 };
  readonly flows = new Flows();
  readonly pauses = new PauseCounts();
  readonly journal = new Journal();
  opened = 0;
  /** The times of the clients of each HTTP stage. */
  clients: ReadonlyMap<string, ClientTimes> = new Map();
  #upstreams = new Map<string, UpstreamCounts>();

  get upstreams(): ReadonlyMap<string, UpstreamCounts> {
    return this.#upstreams;
  }

  /** Counts for the upstreams of this graph from now on; upstreams that existed before keep their counts. */
  expect(graph: Graph): void {
    this.flows.expect(graph);
    const speaking = graph.stages.filter(({ job }) => job !== 'forward');
    this.clients = new Map(speaking.map(({ name }) => [name, this.clients.get(name) ?? new ClientTimes()]));
    const before = this.#upstreams;
    this.#upstreams = new Map(
      listStages(graph)
        .flatMap(listUpstreams)
        .map(({ name, hosts }) => {
          const known = before.get(name);
          const entries = hosts.map((address) => {
            const text = formatAddress(address);
            return [text, known?.hosts.get(text) ?? { address, connections: new ConnectionCounts() }] as const;
          });
          const { all = new ConnectionCounts(), times = new UpstreamTimes() } = known ?? {};
          return [name, { all, times, hosts: new Map(entries) }];
        }),
    );
  }

  /** Returns the counts of the screens of a stage, which a reload keeps. */
  countScreens(stage: string, of: Screened): ScreenCounts {
    const counts = this.screens[of].get(stage) ?? { allowed: 0, denied: 0 };
    this.screens[of].set(stage, counts);
    return counts;
  }

  /** Counts a Link that a listener accepted. */
  accept(address: Address, link: Link): void {
    const text = formatAddress(address);
    const connections = this.listeners.get(text) ?? new ListenerCounts();
    this.listeners.set(text, connections);
    connections.total++;
    connections.follow(link, (ms) => connections.lengths.record(ms));
  }

  /** Measures for how long a client of an HTTP stage is connected. */
  acceptClient(stage: string, { stream }: Link): void {
    const started = performance.now();
    stream.once('close', () => this.clients.get(stage)?.connections.record(performance.now() - started));
  }

  /** The layer directly above the sockets: counts the connections that are dialled for a named upstream. */
  readonly watch: Layer = (next) => async (address, ctx) => {
    const { upstream } = ctx;
    const counts = upstream === undefined ? undefined : this.#upstreams.get(upstream);
    if (!counts) return next(address, ctx);
    const host = counts.hosts.get(formatAddress(address))?.connections;
    const { all, times } = counts;
    const started = performance.now();
    all.total++;
    if (host) host.total++;
    try {
      const link = await next(address, ctx);
      times.connects.record(performance.now() - started);
      all.follow(link, (ms) => times.lengths.record(ms));
      host?.follow(link);
      return link;
    } catch (error) {
      all.failed++;
      if (host) host.failed++;
      throw error;
    }
  };

  /** Counts a tunnel that has ended or failed, for the stages that it passes through itself. */
  leave(tunnel: Tunnel): void {
    const { stages, depth, handle, hasExpired = false } = tunnel;
    this.flows.leave(tunnel);
    this.pauses.leave(tunnel);
    this.#measure(tunnel);
    for (const stage of stages.slice(depth)) {
      const counts = this.stages.get(stage) ?? { tunnels: 0, sent: 0, received: 0, expired: 0 };
      this.stages.set(stage, counts);
      counts.tunnels++;
      counts.sent += handle?.sent ?? 0;
      counts.received += handle?.received ?? 0;
      if (hasExpired) counts.expired++;
    }
  }

  #measure({ stages, depth, started, cluster, asked }: Tunnel): void {
    const [stage = ''] = stages.slice(depth);
    const now = performance.now();
    this.clients.get(stage)?.requests.record(now - started);
    if (cluster !== undefined && asked !== undefined) this.#upstreams.get(cluster)?.times.requests.record(now - asked);
  }

  /** Counts the tunnels that events report. */
  note(event: TunlEvent): void {
    switch (event.event) {
      case 'tunnel.opened':
        this.opened++;
        break;
      case 'tunnel.closed':
        this.ended.sent += event.sent;
        this.ended.received += event.received;
        this.ends.set(event.end, (this.ends.get(event.end) ?? 0) + 1);
        break;
      case 'tunnel.failed':
        this.failures.set(event.error.code, (this.failures.get(event.error.code) ?? 0) + 1);
        break;
      case 'tunnel.waiting':
      case 'tunnel.resumed':
      case 'listening':
      case 'draining':
      case 'notice':
        break;
    }
  }
}

/** Makes a Dial whose connections are counted under a name. */
export function countAs(upstream: string, dial: Dial): Dial {
  return (address, ctx) => dial(address, { ...ctx, upstream });
}

function listUpstreams(stage: Stage): { readonly name: string; readonly hosts: readonly Address[] }[] {
  const ways = stage.job === 'http' ? stage.upstreams : [stage];
  return ways.map(({ name, to, route: { entry, hops } }) => {
    if (entry) return { name, hosts: [entry] };
    const [nearest] = hops;
    if (nearest) return { name, hosts: nearest.map(({ address }) => address) };
    return { name, hosts: to && 'targets' in to ? to.targets : [] };
  });
}
