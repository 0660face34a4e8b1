import { countStages } from '../tunnel/stage-counts.ts';
import { securedSchemes } from '../../carriers/index.ts';
import { type Graph, listStages } from '../../chain/model/graph.ts';
import type { Address } from '../../core/address.ts';
import { TunlError } from '../../core/errors.ts';
import { version } from '../../core/program.ts';
import type {
  ClusterFacts,
  ListenerFacts,
  ReadingFacts,
  StageFacts,
  Subject,
  TunnelFacts,
} from '../../telemetry/admin/subject.ts';
import { readListenerCertificates } from './certificates.ts';
import type { Runtime } from '../runtime.ts';
import { Meter } from './meter.ts';
import { Rates } from './rates.ts';
import { listHistograms } from './histograms.ts';
import { listStats } from './stats.ts';
import type { ConnectionCounts, Traffic } from './traffic.ts';
import { countResumed, isWaiting } from '../../core/link.ts';
import type { Tunnel, Tunnels } from '../tunnel/tunnels.ts';

/** The graph that runs at the moment. */
export interface CurrentGraph {
  readonly graph: Graph;
  /** The names of stages that run inside the dial of an outer stage. */
  readonly fused: ReadonlySet<string>;
}

/** The parts of a running graph that the admin address shows or controls. */
export interface Administered {
  readonly runtime: Runtime;
  readonly tunnels: Tunnels;
  readonly traffic: Traffic;
  readonly current: () => CurrentGraph;
  /** Lists the listeners that accept, with their stages. */
  readonly listeners: () => readonly ListenerFacts[];
  readonly closeListeners: () => void;
  readonly reading: () => ReadingFacts;
}

/** Makes the interface through which the admin address reads and controls a running graph. */
export function createSubject({
  runtime,
  tunnels,
  traffic,
  current,
  listeners,
  closeListeners,
  reading,
}: Administered): Subject {
  const { scope, output } = runtime;
  const rates = new Rates();
  const meter = new Meter(tunnels, traffic);
  scope.defer(() => meter.close());
  let isFailing = false;
  let isClosed = false;
  const isLive = () => !isFailing && !isClosed && !scope.draining.aborted;
  const uptimeMs = () => process.uptime() * 1000;
  const stagesOf = (isForward: boolean) =>
    current()
      .graph.stages.filter(({ job }) => (job === 'forward') === isForward)
      .map(({ name }) => name);
  return {
    version: `tunl/${version}`,
    uptimeMs,
    state: () => (isLive() ? 'LIVE' : 'DRAINING'),
    listListeners: listeners,
    listClusters: () => listClusters(traffic),
    listTunnels: () => [...tunnels].map((tunnel) => toTunnelFacts(tunnel, rates)),
    readTotals: () => ({
      open: tunnels.size,
      asked: tunnels.asked,
      failed: traffic.journal.failed,
      ...meter.total,
      minute: meter.minute,
    }),
    listStages: () => describeStages(current().graph, tunnels, meter),
    listFailures: () => traffic.journal.failures,
    lastReading: reading,
    listCertificates: () => readListenerCertificates(current().graph),
    listStats: () =>
      listStats({
        traffic,
        tunnels,
        forwards: stagesOf(true),
        proxies: stagesOf(false),
        listeners: listeners().length,
        isLive: isLive(),
        uptimeMs: uptimeMs(),
      }),
    listHistograms: () => listHistograms(traffic),
    dumpConfig: async () => {
      const { dumpGraph } = await import('../../chain/print/graph.ts');
      return dumpGraph(current().graph);
    },
    drawGraph: async () => {
      const { drawSvg } = await import('../../chain/draw/draw.ts');
      const { graph, fused } = current();
      const facts = { fused, counters: countStages(tunnels), secured: securedSchemes };
      return drawSvg(graph, { ...facts, rateOf: (from, to) => meter.readArrow(from, to) });
    },
    cutTunnel: (id) => tunnels.cut(id, orderedBy('the tunnel was ended through the admin address')),
    closeListeners: () => {
      isClosed = true;
      closeListeners();
    },
    drain: () => scope.drain(orderedBy('stopped through the admin address')),
    quit: () => scope.force(orderedBy('stopped through the admin address')),
    setHealth: (health) => (isFailing = health === 'failed'),
    level: () => output?.level() ?? 'info',
    setLevel: (level) => output?.setLevel(level),
  };
}

/** Makes the reason for an end that the admin address ordered; it is not a failure, so the exit status is 0. */
function orderedBy(message: string): TunlError {
  return new TunlError('interrupted', message, { side: 'self', phase: 'relay', exit: 0 });
}

function listClusters({ upstreams }: Traffic): ClusterFacts[] {
  const toCounts = ({ total, active, failed }: ConnectionCounts) => ({ total, active, connectFail: failed });
  return [...upstreams].map(([name, { hosts }]) => ({
    name,
    hosts: [...hosts.values()].map(({ address, connections }: { address: Address; connections: ConnectionCounts }) => ({
      address,
      counts: toCounts(connections),
    })),
  }));
}

function describeStages(graph: Graph, tunnels: Tunnels, meter: Meter): StageFacts[] {
  const live = countStages(tunnels);
  return listStages(graph).map(({ name, job }) => {
    const { total, rate } = meter.readStage(name);
    return {
      name,
      job,
      open: live.get(name)?.tunnels ?? 0,
      ...total,
      sentRate: rate.sent,
      receivedRate: rate.received,
      answers: meter.readAnswers(name) ?? null,
    };
  });
}

function toTunnelFacts(tunnel: Tunnel, rates: Rates): TunnelFacts {
  const { id, client, user = null, target, stages, via, handle, started } = tunnel;
  const { sent = 0, received = 0 } = handle ?? {};
  const { sentRate, receivedRate } = rates.read(tunnel);
  return {
    id,
    peer: client,
    user,
    target,
    stages,
    via,
    state: isWaiting(tunnel) ? 'waiting' : handle ? 'open' : 'dialling',
    resumed: countResumed(tunnel),
    ageMs: Math.round(performance.now() - started),
    sent,
    received,
    sentRate,
    receivedRate,
  };
}
