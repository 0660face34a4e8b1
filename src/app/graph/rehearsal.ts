import { isIP } from 'node:net';
import { type Graph, listRoutesOut, listStages, type Stage } from '../../chain/model/graph.ts';
import type { RouteOptions, Target } from '../../chain/model/route.ts';
import { formatAddress } from '../../core/address.ts';
import { TunlError } from '../../core/errors.ts';
import { createRouteResolve } from '../stages/route.ts';
import { sourceFor } from '../stages/routes.ts';
import { BoundListener, listPlaces } from './bound-listener.ts';
import type { Generation } from './generation.ts';

/** A thing that a graph wants of the system, tried before it runs. */
export interface Trial {
  readonly what: 'listen' | 'resolve';
  /** The address, or the name. */
  readonly place: string;
  /** For people: that it can listen or that another program does, or the addresses of the name. */
  readonly outcome: string;
  /** Present if the name was not resolved; `stage` is the first that needs it. */
  readonly failure?: { readonly error: TunlError; readonly stage: string };
}

/** A name that a stage has to resolve. */
interface Need {
  readonly stage: Stage;
  readonly host: string;
  readonly route: RouteOptions;
}

/**
 * Opens each address that the stages and the admin interface listen on, and closes them all again; who connects
 * meanwhile is reset. Then resolves the names of the nearest hops, and of targets without hops. An address that is in use
 * is no fault, since these stages may run already; nor is a name without an address, which may have one later.
 * @throws {TunlError} address_in_use, with the stage, if an address cannot be listened on for any other reason
 */
export async function rehearse(generation: Generation, signal: AbortSignal): Promise<readonly Trial[]> {
  return [...(await tryToListen(generation)), ...(await tryToResolve(generation.graph, signal))];
}

async function tryToListen({ graph, stages }: Generation): Promise<readonly Trial[]> {
  const ofStages = stages.flatMap((ready) =>
    listPlaces(ready).map(({ address }) => ({ address, facts: { stage: ready.stage.name, setting: 'listen' } })),
  );
  const places = graph.admin ? [...ofStages, { address: graph.admin, facts: {} }] : ofStages;
  const opened: BoundListener[] = [];
  const trials: Trial[] = [];
  try {
    for (const { address, facts } of places) {
      const place = formatAddress(address);
      try {
        const bound = await BoundListener.open(address);
        opened.push(bound);
        bound.turnAway();
        trials.push({ what: 'listen', place, outcome: 'can be opened' });
      } catch (error) {
        if (!(error instanceof TunlError)) throw error;
        if (!isInUse(error)) throw error.with(facts);
        trials.push({ what: 'listen', place, outcome: 'is in use, which is right if these stages run already' });
      }
    }
  } finally {
    await Promise.all(opened.map(({ listener }) => listener.close()));
  }
  return trials;
}

function isInUse({ cause }: TunlError): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
}

function tryToResolve(graph: Graph, signal: AbortSignal): Promise<readonly Trial[]> {
  const needs = new Map<string, Need>();
  for (const need of listStages(graph).flatMap(listNeeds)) {
    if (!needs.has(need.host)) needs.set(need.host, need);
  }
  return Promise.all([...needs.values()].map((need) => resolveOne(need, signal)));
}

function listNeeds(stage: Stage): Need[] {
  return listRoutesOut(stage).flatMap(({ to, route }) =>
    listDialled(route, to?.targets ?? []).map((host) => ({ stage, host, route })),
  );
}

/** Lists the names that a route dials itself; all others are the business of a proxy. */
function listDialled({ entry, hops: [nearest] }: RouteOptions, targets: readonly Target[]): string[] {
  if (entry) return [];
  const dialled = nearest ? nearest.flatMap(({ chooser, address }) => (chooser ? [] : [address])) : targets;
  return dialled.flatMap((address) => (address.kind === 'tcp' && isIP(address.host) === 0 ? [address.host] : []));
}

async function resolveOne({ stage, host, route }: Need, signal: AbortSignal): Promise<Trial> {
  try {
    const ips = await createRouteResolve(route, sourceFor(stage))(host, signal);
    return { what: 'resolve', place: host, outcome: ips.map(({ address }) => address).join(', ') };
  } catch (error) {
    if (!(error instanceof TunlError) || signal.aborted) throw error;
    return { what: 'resolve', place: host, outcome: 'has no address now', failure: { error, stage: stage.name } };
  }
}
