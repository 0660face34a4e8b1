import type { Path } from '../../chain/read/document.ts';
import type { Rewrite } from '../../chain/model/graph.ts';
import { quote } from '../../syntax/text.ts';
import { dynamicFilterType, type PerFilterMessage } from '../schema/dynamic-forward-proxy.ts';
import type { HttpConnectionManagerMessage } from '../schema/http-connection-manager.ts';
import { assertAtMostOne } from './one-of.ts';
import { readNewHost } from './rewrite.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';

/** The HTTP filters before the router, as far as routes have to do with them. */
export interface HttpFilters {
  /** The names of all filters. */
  readonly names: ReadonlySet<string>;
  /** The names of the filters that look up the target of each request. */
  readonly dynamic: ReadonlySet<string>;
}

/** What the settings of one level change in requests, by the names of the filters that they are for. */
export type PerFilterLevel = ReadonlyMap<string, Rewrite>;

const routerName = 'envoy.filters.http.router';

/** Reads the list of HTTP filters: filters that look targets up, and the router at the end. */
export function readHttpFilters(
  { http_filters: filters = [] }: HttpConnectionManagerMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): HttpFilters {
  const [names, dynamic] = [new Set<string>(), new Set<string>()];
  let isOver = false;
  for (const [index, { name, typed_config: config }] of filters.entries()) {
    const at = [...path, 'http_filters', index];
    if (!config && name !== routerName)
      reading.add(at, `${quote(name)} needs typed_config, or is no filter that tunl runs`);
    if (isOver) reading.add(at, 'nothing comes behind the router: it takes the request');
    const isDynamic = config?.['@type'] === dynamicFilterType;
    if (isDynamic) dynamic.add(name);
    names.add(name);
    isOver ||= !isDynamic;
  }
  if (!isOver)
    reading.add(
      path,
      `${filters.length === 0 ? 'http_filters' : 'the router'} is missing`,
      `its last filter is ${routerName}`,
    );
  return { names, dynamic };
}

/**
 * Reads the settings of one level for filters: those of a route, of its virtual host or of its route configuration.
 * Those for filters that do not exist are told of: nothing comes of them, as in Envoy.
 */
export function readPerFilter(
  words: PerFilterMessage = {},
  path: Path,
  { dynamic, names }: HttpFilters,
  reading: BootstrapDiagnostics,
): PerFilterLevel {
  const level = new Map<string, Rewrite>();
  for (const [name, settings] of Object.entries(words)) {
    const at = [...path, name];
    if (!names.has(name)) {
      const message = `there is no filter named ${quote(name)}: these settings have no effect, as in Envoy`;
      reading.notice('warning', at, message);
      continue;
    }
    if (!dynamic.has(name)) reading.add(at, `the filter ${quote(name)} is none that takes these settings`);
    assertAtMostOne(at, settings, ['host_rewrite_literal', 'host_rewrite_header'], reading);
    level.set(name, readNewHost(settings, at, reading));
  }
  return level;
}

/**
 * Finds what filters change in the requests of a route.
 * @param levels those of the route, from the inside out; the first with settings for a filter decides
 */
export function findFiltered(levels: readonly PerFilterLevel[], { names }: HttpFilters): Rewrite {
  const rewrites = [...names].map((name) => levels.find((level) => level.has(name))?.get(name) ?? {});
  return rewrites.findLast((rewrite) => Object.keys(rewrite).length > 0) ?? {};
}
