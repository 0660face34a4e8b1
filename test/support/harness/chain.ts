import { onTestFinished } from 'vitest';
import { type RunningGraph, startGraph } from '../../../src/app/graph/graph.ts';
import type { Stage } from '../../../src/chain/model/graph.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { TunlEvent } from '../../../src/core/events.ts';
import { Scope } from '../../../src/core/scope.ts';
import { toGraph } from '../graphs/graphs.ts';

/** A graph that runs in this process, with its events. */
export interface TestChain {
  readonly running: RunningGraph;
  readonly scope: Scope;
  /** Ports of its listeners, in the order of the stages. */
  readonly ports: readonly number[];
  readonly port: number;
  readonly events: readonly TunlEvent[];
  /** The events of one kind. */
  eventsOf<K extends TunlEvent['event']>(kind: K): Extract<TunlEvent, { event: K }>[];
  /** Stops it with its tunnels; later calls do nothing. */
  stop(): Promise<void>;
}

/** Runs stages until the test is over. */
export async function startChain(stages: readonly Stage[], graceMs = 4000): Promise<TestChain> {
  const scope = new Scope();
  const events: TunlEvent[] = [];
  const emit = (event: TunlEvent) => void events.push(event);
  const running = await startGraph(toGraph({ stages }), { scope, emit, graceMs });
  const stop = async () => {
    scope.force(new TunlError('interrupted', 'the test is over'));
    await running.done;
  };
  onTestFinished(stop);
  const ports = running.addresses.map((address) => (address.kind === 'tcp' ? address.port : 0));
  return {
    running,
    scope,
    ports,
    port: ports[0] ?? 0,
    events,
    eventsOf: (kind) => selectEvents(events, kind),
    stop,
  };
}

function selectEvents<K extends TunlEvent['event']>(events: readonly TunlEvent[], kind: K) {
  return events.filter((event): event is Extract<TunlEvent, { event: K }> => event.event === kind);
}
