import type { GraphFault } from '../model/fault.ts';
import type { RouteName, Stage } from '../model/graph.ts';
import { isOfRequest, listRules } from '../model/screen.ts';

/** Finds screens for connections that judge by a request, of which a connection has none. */
export function findScreenFaults(stage: Stage<RouteName>): GraphFault[] {
  const screens = stage.job === 'http' ? stage.connectionScreens : stage.job === 'forward' ? stage.screens : undefined;
  if (!listRules(screens ?? []).some(isOfRequest)) return [];
  const hint = stage.job === 'http' ? 'write them into the screens of http' : 'judge by client, port or identity';
  const message = 'screens for connections see no requests, and have no headers and path';
  return [{ stage: stage.name, part: 'screens', message, hint }];
}
