import type { Path } from '../../chain/read/document.ts';
import type { Rewrite } from '../../chain/model/graph.ts';
import { quote } from '../../syntax/text.ts';
import { dynamicFilterType, type PerFilterMessage } from '../schema/dynamic-forward-proxy.ts';
import type { HttpConnectionManagerMessage } from '../schema/http-connection-manager.ts';
import { assertAtMostOne } from './one-of.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';

/** The HTTP filters before the router, as far as routes have to do with them. */
export interface HttpFilters {
  /** The names of all filters. */
  readonly names: ReadonlySet<string>;
  /** The names of the filters that look up the target of each request. */
  readonly dynamic: ReadonlySet<string>;
}

/** The settings of one level for filters, with their position. */
export interface PerFilterLevel {
  readonly words: PerFilterMessage | undefined;
  readonly path: Path;
}

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
 * Reads what the settings of a route for filters change in its requests.
 * @param levels the settings of the route, its virtual host and its route configuration; the first with settings for a
 * filter decides
 */
export function readPerFilter(
  levels: readonly PerFilterLevel[],
  { dynamic, names }: HttpFilters,
  reading: BootstrapDiagnostics,
): Rewrite | undefined {
  let found: Rewrite | undefined;
  for (const name of names) {
    const level = levels.find(({ words }) => words && Object.hasOwn(words, name));
    const settings = level?.words?.[name];
    if (!level || !settings) continue;
    const at = [...level.path, name];
    if (!dynamic.has(name)) reading.add(at, `the filter ${quote(name)} is none that takes these settings`);
    assertAtMostOne(at, settings, ['host_rewrite_literal', 'host_rewrite_header'], reading);
    const { host_rewrite_literal: host = '', host_rewrite_header: field = '' } = settings;
    if (host !== '') found = { host };
    else if (field !== '') found = { hostField: field.toLowerCase() };
  }
  return found;
}

/** Says of settings for filters that do not exist that nothing comes of them, as in Envoy. */
export function noticeUnused(
  { words = {}, path }: PerFilterLevel,
  { names }: HttpFilters,
  reading: BootstrapDiagnostics,
): void {
  for (const name of Object.keys(words)) {
    if (names.has(name)) continue;
    reading.notice(
      'warning',
      [...path, name],
      `there is no filter named ${quote(name)}: these settings have no effect, as in Envoy`,
    );
  }
}
