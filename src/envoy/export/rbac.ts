import {
  type HttpRoute,
  type HttpStage,
  listNames,
  listScreens,
  type Screen,
  type ScreenRule,
  type Stage,
} from '../../chain/model/graph.ts';
import { isOfPlace, listRules } from '../../chain/model/screen.ts';
import { changesFirst } from '../schema/matchers/rbac.ts';
import { toFieldMatch, toTextMatch } from './field-match.ts';
import { type Tree, typed } from './terms.ts';

/** Makes the filters that let connections pass. */
export function toConnectionFilters(screens: readonly Screen[] = [], stage: string): Tree[] {
  return screens.map((screen) => ({
    name: 'envoy.filters.network.rbac',
    typed_config: typed('filters.network.rbac.v3.RBAC', { stat_prefix: stage, rules: toRules(screen) }),
  }));
}

/** Makes the filters that let requests pass: as many as the stage or one of its routes has screens. */
export function toRequestFilters(stage: HttpStage): Tree[] {
  const { screens = [] } = stage;
  return Array.from({ length: countScreens(stage) }, (_, index) => ({
    name: nameFilter(index),
    typed_config: typed('filters.http.rbac.v3.RBAC', toOptionalRules(screens[index])),
  }));
}

/** Makes the settings of a route with screens of its own for these filters, by their names. */
export function toRouteScreens(route: HttpRoute, count: number): Tree {
  const { screens } = route;
  if (!screens) return {};
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      nameFilter(index),
      typed('filters.http.rbac.v3.RBACPerRoute', {
        ...(screens[index] && { rbac: toOptionalRules(screens[index]) }),
      }),
    ]),
  );
}

/** Returns the most screens that a request to the stage meets. */
export function countScreens({ screens = [], hosts }: HttpStage): number {
  const counts = hosts.flatMap(({ routes }) => routes.map((route) => route.screens?.length ?? 0));
  return Math.max(screens.length, ...counts);
}

function nameFilter(index: number): string {
  return `envoy.filters.http.rbac${index === 0 ? '' : `-${index + 1}`}`;
}

function toOptionalRules(screen: Screen | undefined): Tree {
  return screen ? { rules: toRules(screen) } : {};
}

function toRules({ action, policies }: Screen): Tree {
  return {
    action: action.toUpperCase(),
    policies: Object.fromEntries(
      policies.map(({ name, what, who }) => [
        name,
        { permissions: what.map((rule) => toRule(rule, 'what')), principals: who.map((rule) => toRule(rule, 'who')) },
      ]),
    ),
  };
}

/** The names of the fields that join rules. */
const joints = {
  what: { all: 'and_rules', some: 'or_rules', not: 'not_rule', list: 'rules' },
  who: { all: 'and_ids', some: 'or_ids', not: 'not_id', list: 'ids' },
} as const;

function toRule(rule: ScreenRule, side: keyof typeof joints): Tree {
  const names = joints[side];
  switch (rule.kind) {
    case 'any':
      return { any: true };
    case 'all':
    case 'some':
      return { [names[rule.kind]]: { [names.list]: rule.rules.map((inner) => toRule(inner, side)) } };
    case 'not':
      return { [names.not]: toRule(rule.rule, side) };
    case 'field':
      return { header: toFieldMatch(rule.field) };
    case 'path':
      return { url_path: { path: toTextMatch(rule.text) } };
    case 'port': {
      const { first, last } = rule;
      return first === last ? { destination_port: first } : { destination_port_range: { start: first, end: last + 1 } };
    }
    case 'reached':
      return { destination_ip: toRange(rule.range) };
    case 'client':
      return { direct_remote_ip: toRange(rule.range) };
    case 'server-name':
      return { requested_server_name: toTextMatch(rule.text) };
    case 'identity':
      return { authenticated: rule.text ? { principal_name: toTextMatch(rule.text) } : {} };
  }
}

function toRange(range: string): Tree {
  const [address = '', length] = range.split('/');
  return {
    address_prefix: address,
    prefix_len: length === undefined ? (address.includes(':') ? 128 : 32) : Number(length),
  };
}

/** Finds screens that judge by what Envoy does not know at the same place. */
export function* findInScreens(stage: Stage): Generator<readonly [message: string, hint?: string]> {
  const rules = listRules(listScreens(stage));
  if (listNames(stage).length > 0) {
    const isIdentity = !stage.tls && rules.some(({ kind }) => kind === 'identity');
    if (isIdentity || rules.some(isOfPlace))
      yield [
        'it knows neither addresses nor certificates of clients behind internal listeners, and screens ask for them',
      ];
  }
  if (!stage.tls && rules.some(({ kind }) => kind === 'server-name'))
    yield ['it sees server names of TLS that the stage does not', 'screens with server-name need tls'];
  const field = rules.flatMap((rule) => (rule.kind === 'field' ? [rule.field.name] : [])).find(changesFirst);
  if (field !== undefined) yield [`it changes ${field} before it judges by it`, 'let screens judge by another field'];
}
