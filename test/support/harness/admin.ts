import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import { type RunningGraph, startGraph } from '../../../src/app/graph/graph.ts';
import type { PlainGraph } from '../../../src/chain/model/graph.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { TunlEvent } from '../../../src/core/events.ts';
import { Scope } from '../../../src/core/scope.ts';
import { freePort, toGraph } from '../graphs/graphs.ts';

/** An answer of the admin address. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The parts of a request besides its path. */
export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request to the admin address at a port or a Unix socket. */
export function askAdmin(place: number | string, path: string, options: AskOptions = {}): Promise<AdminAnswer> {
  const { method = 'GET', headers = {}, body } = options;
  const where = typeof place === 'number' ? { host: '127.0.0.1', port: place } : { socketPath: place };
  return new Promise((resolve, reject) => {
    const asking = request({ ...where, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      response.on('error', reject);
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

/** A graph with an admin address that runs in this process. */
export interface TestAdmin {
  readonly running: RunningGraph;
  readonly scope: Scope;
  readonly events: readonly TunlEvent[];
  /** Port of the first listener. */
  readonly port: number;
  /** The port of the admin address as it was last announced; 0 for a Unix socket. */
  readonly adminPort: number;
  ask(path: string, options?: AskOptions): Promise<AdminAnswer>;
}

/** Runs a graph with an admin address, by default on a free port of loopback, until the test is over. */
export async function startAdmin(graph: PlainGraph): Promise<TestAdmin> {
  const scope = new Scope();
  const events: TunlEvent[] = [];
  const runtime = { scope, emit: (event: TunlEvent) => void events.push(event), graceMs: 4000 };
  const running = await startGraph(toGraph({ admin: freePort, ...graph }), runtime);
  onTestFinished(async () => {
    scope.force(new TunlError('interrupted', 'the test is over'));
    await running.done;
  });
  const [first] = running.addresses;
  const findPort = () =>
    events.flatMap((event) => (event.event === 'listening' && event.role === 'admin' ? [event.port ?? 0] : [])).at(-1);
  return {
    running,
    scope,
    events,
    port: first?.kind === 'tcp' ? first.port : 0,
    get adminPort() {
      return findPort() ?? 0;
    },
    ask: (path, options) => askAdmin(findPort() ?? 0, path, options),
  };
}
