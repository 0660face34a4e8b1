import type { GraphFault } from '../model/fault.ts';
import { listScreens, type RouteName, type Stage } from '../model/graph.ts';
import { isOfRequest, listRules } from '../model/screen.ts';

/** Finds screens that judge by what a stage never sees. */
export function findScreenFaults(stage: Stage<RouteName>): GraphFault[] {
  return [...findRequestsOfConnections(stage), ...findUnseenNames(stage)];
}

/** Finds rules about the server name where no TLS ends: one that denies would deny nobody. */
function findUnseenNames(stage: Stage<RouteName>): GraphFault[] {
  const isInside = stage.listen.some(({ kind }) => kind === 'internal');
  if (stage.tls || isInside || !listRules(listScreens(stage)).some(({ kind }) => kind === 'server-name')) return [];
  const message = 'without TLS of its own a stage sees no server name, so a screen cannot judge by it';
  return [{ stage: stage.name, part: 'screens', message, hint: 'add tls, or judge by client, port or identity' }];
}

/** Finds screens for connections that judge by a request, of which a connection has none. */
function findRequestsOfConnections(stage: Stage<RouteName>): GraphFault[] {
  const screens = stage.job === 'http' ? stage.connectionScreens : stage.job === 'forward' ? stage.screens : undefined;
  if (!listRules(screens ?? []).some(isOfRequest)) return [];
  const hint = stage.job === 'http' ? 'write them into the screens of http' : 'judge by client, port or identity';
  const message = 'screens for connections see no requests, and have no headers and path';
  return [{ stage: stage.name, part: 'screens', message, hint }];
}
