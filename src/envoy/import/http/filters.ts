import type { Path } from '../../../chain/read/document.ts';
import type { Rewrite, Screen } from '../../../chain/model/graph.ts';
import type { StateValue } from '../../../syntax/format/state.ts';
import { quote } from '../../../syntax/text.ts';
import {
  dynamicFilterType,
  dynamicPerRouteType,
  type PerFilterMessage,
} from '../../schema/http/dynamic-forward-proxy.ts';
import { requestStateType } from '../../schema/filter-state.ts';
import type { HttpConnectionManagerMessage } from '../../schema/http/manager.ts';
import { perRouteType, requestFilterType } from '../../schema/matchers/rbac.ts';
import { readFilterState } from '../filter-state.ts';
import { assertAtMostOne } from '../one-of.ts';
import { readRules, type RulesContext } from '../rbac/rules.ts';
import { readNewHost } from './rewrite.ts';
import type { BootstrapDiagnostics } from '../diagnostics.ts';

/** The HTTP filters before the router, as far as routes have to do with them. */
export interface HttpFilters {
  /** The names of all filters. */
  readonly names: ReadonlySet<string>;
  /** The names of the filters that look up the target of each request. */
  readonly dynamic: ReadonlySet<string>;
  /** The filters that let requests pass, in their order: the screen of each where no route has another, if there is one. */
  readonly screens: ReadonlyMap<string, Screen | undefined>;
  /** What each request is given. */
  readonly state: readonly StateValue[];
  /** What the rules of these filters can judge by. */
  readonly rules: RulesContext;
}

/** The settings of one filter on one level. */
interface LevelSettings {
  readonly rewrite?: Rewrite;
  /** The screen instead of that of the filter; absent lets everything pass. */
  readonly screen?: Screen | undefined;
}

/** What one level says to filters, by the names of the filters. */
export type PerFilterLevel = ReadonlyMap<string, LevelSettings>;

/** The types of the filters behind which others come. */
const passingTypes: ReadonlySet<string> = new Set([dynamicFilterType, requestFilterType, requestStateType]);

const routerName = 'envoy.filters.http.router';

/** Reads the list of HTTP filters: filters that let requests pass or look targets up, and the router at the end. */
export function readHttpFilters(
  { http_filters: filters = [] }: HttpConnectionManagerMessage,
  path: Path,
  rules: RulesContext,
): HttpFilters {
  const { reading } = rules;
  const [names, dynamic] = [new Set<string>(), new Set<string>()];
  const screens = new Map<string, Screen | undefined>();
  const state: StateValue[] = [];
  let isOver = false;
  for (const [index, { name, typed_config: config }] of filters.entries()) {
    const at = [...path, 'http_filters', index];
    if (!config && name !== routerName)
      reading.add(
        at,
        `${quote(name)} needs typed_config, or is no filter that tunl runs`,
        'before the router there may be rbac and dynamic_forward_proxy',
      );
    if (isOver)
      reading.add(
        at,
        'nothing comes behind the router: it takes the request',
        'write it before the router, or leave it out',
      );
    const type = config?.['@type'];
    if (config?.['@type'] === requestFilterType) {
      assertFirst(name, at, { names, dynamic }, reading);
      screens.set(name, readRules(config.rules, [...at, 'typed_config', 'rules'], rules));
    }
    if (config?.['@type'] === dynamicFilterType) {
      dynamic.add(name);
      const { dns_cache_config: cache } = config;
      if (cache) reading.addCache(cache, [...at, 'typed_config', 'dns_cache_config']);
    }
    if (config?.['@type'] === requestStateType) {
      const valuesAt = [...at, 'typed_config', 'on_request_headers'];
      state.push(...readFilterState(config.on_request_headers, valuesAt, 'request', reading));
    }
    names.add(name);
    isOver ||= type === undefined || !passingTypes.has(type);
  }
  if (!isOver)
    reading.add(
      path,
      `${filters.length === 0 ? 'http_filters' : 'the router'} is missing`,
      `its last filter is ${routerName}`,
    );
  return { names, dynamic, screens, state, rules };
}

/** Refuses a filter for requests that another one has changed, and one whose name is not its own. */
function assertFirst(
  name: string,
  path: Path,
  { names, dynamic }: Pick<HttpFilters, 'names' | 'dynamic'>,
  reading: BootstrapDiagnostics,
): void {
  if (dynamic.size > 0)
    reading.add(path, 'dynamic_forward_proxy may change the host before this judges it', 'write rbac in front of it');
  if (names.has(name)) reading.add([...path, 'name'], `there are two filters named ${quote(name)}`, 'rename one');
}

/**
 * Reads the settings of one level for filters: those of a route, of its virtual host or of its route configuration.
 * Those for filters that do not exist are told of: nothing comes of them, as in Envoy.
 */
export function readPerFilter(
  words: PerFilterMessage = {},
  path: Path,
  { dynamic, names, screens, rules }: HttpFilters,
  reading: BootstrapDiagnostics,
): PerFilterLevel {
  const level = new Map<string, LevelSettings>();
  for (const [name, settings] of Object.entries(words)) {
    const at = [...path, name];
    if (!names.has(name)) {
      const message = `there is no filter named ${quote(name)}: these settings have no effect, as in Envoy`;
      reading.notice('warning', at, message);
      continue;
    }
    const type = settings['@type'];
    if (!(type === perRouteType ? screens : dynamic).has(name))
      reading.add(
        at,
        `the filter ${quote(name)} is none that takes these settings`,
        'name the filter that they are for',
      );
    if (settings['@type'] === perRouteType) {
      level.set(name, { screen: readRules(settings.rbac?.rules, [...at, 'rbac', 'rules'], rules) });
      continue;
    }
    if (settings['@type'] !== dynamicPerRouteType) continue;
    assertAtMostOne(at, settings, ['host_rewrite_literal', 'host_rewrite_header'], reading);
    level.set(name, { rewrite: readNewHost(settings, at, reading) });
  }
  return level;
}

/**
 * Finds what filters change in the requests of a route.
 * @param levels those of the route, from the inside out; the first with settings for a filter decides
 */
export function findFiltered(levels: readonly PerFilterLevel[], { names }: HttpFilters): Rewrite {
  const rewrites = [...names].map((name) => levels.find((level) => level.has(name))?.get(name)?.rewrite ?? {});
  return rewrites.findLast((rewrite) => Object.keys(rewrite).length > 0) ?? {};
}

/**
 * Finds the screens for the requests of a route. Returns undefined if they are those of the stage.
 * @param levels those of the route, from the inside out; the first with settings for a filter decides
 */
export function findScreens(
  levels: readonly PerFilterLevel[],
  { screens }: HttpFilters,
): readonly Screen[] | undefined {
  const own = [...screens].map(([name, usual]) => {
    const level = levels.find((each) => each.has(name));
    return level ? level.get(name)?.screen : usual;
  });
  const [found, usual] = [listScreens(own), listScreens([...screens.values()])];
  return JSON.stringify(found) === JSON.stringify(usual) ? undefined : found;
}

/** Lists the screens that there are. */
export function listScreens(screens: readonly (Screen | undefined)[]): readonly Screen[] {
  return screens.filter((screen) => screen !== undefined);
}
