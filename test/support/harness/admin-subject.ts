import { onTestFinished } from 'vitest';
import { listen } from '../../../src/listeners/socket.ts';
import type { GateOptions } from '../../../src/telemetry/admin/gate.ts';
import { createAdminServer } from '../../../src/telemetry/admin/server.ts';
import type { Subject } from '../../../src/telemetry/admin/subject.ts';
import { type AdminAnswer, askAdmin, type AskOptions } from './admin.ts';
import { freePort } from '../graphs/graphs.ts';

/** A Subject without any data, and the orders that it has received. */
export interface FakeSubject extends Subject {
  readonly orders: readonly string[];
}

/** Makes a Subject that reports the given values. */
export function makeSubject(facts: Partial<Subject> = {}): FakeSubject {
  const orders: string[] = [];
  const order = (name: string) => () => void orders.push(name);
  return {
    orders,
    version: 'tunl/0',
    uptimeMs: () => 61_500,
    state: () => 'LIVE',
    listListeners: () => [],
    listClusters: () => [],
    listTunnels: () => [],
    readTotals: () => ({ open: 0, asked: 0, failed: 0, sent: 0, received: 0, minute: [] }),
    listStages: () => [],
    listFailures: () => [],
    lastReading: () => ({ time: '2020-01-01T00:00:00.000Z', failure: null }),
    listCertificates: async () => [],
    listStats: () => [],
    listHistograms: () => [],
    dumpConfig: async () => ({}),
    drawGraph: async () => '<svg xmlns="http://www.w3.org/2000/svg"><style>a</style></svg>',
    cutTunnel: (id) => orders.push(`cut ${id}`) > 0,
    closeListeners: order('close'),
    drain: order('drain'),
    quit: order('quit'),
    setHealth: (health) => void orders.push(health),
    level: () => 'info',
    setLevel: (level) => void orders.push(level),
    ...facts,
  };
}

/** An admin server on a port of loopback. */
export interface TestDesk {
  readonly port: number;
  ask(path: string, options?: AskOptions): Promise<AdminAnswer>;
}

/** Starts the server alone, until the test is over. */
export async function startDesk(subject: Subject, gate: Partial<GateOptions> = {}): Promise<TestDesk> {
  const server = createAdminServer(subject, { names: [], isSocketFile: false, ...gate });
  const { address, close } = await listen(freePort, (link) => server.accept(link));
  onTestFinished(() => {
    server.close();
    return close();
  });
  const port = address.kind === 'tcp' ? address.port : 0;
  return { port, ask: (path, options) => askAdmin(port, path, options) };
}
