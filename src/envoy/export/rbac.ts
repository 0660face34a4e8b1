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
export function toConnectionFilters(stage: Stage): Tree[] {
  const screens = stage.job === 'http' ? stage.connectionScreens : stage.job === 'forward' ? stage.screens : [];
  return (screens ?? []).map((screen) => ({
    name: 'envoy.filters.network.rbac',
    typed_config: typed('filters.network.rbac.v3.RBAC', { stat_prefix: stage.name, rules: toRules(screen, stage) }),
  }));
}

/** Makes the filters that let requests pass: as many as the stage or one of its routes has screens. */
export function toRequestFilters(stage: HttpStage): Tree[] {
  const { screens = [] } = stage;
  return Array.from({ length: countScreens(stage) }, (_, index) => ({
    name: nameFilter(index),
    typed_config: typed('filters.http.rbac.v3.RBAC', toOptionalRules(screens[index], stage)),
  }));
}

/** Makes the settings of a route with screens of its own for these filters, by their names. */
export function toRouteScreens(route: HttpRoute, count: number, stage: Seen): Tree {
  const { screens } = route;
  if (!screens) return {};
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      nameFilter(index),
      typed('filters.http.rbac.v3.RBACPerRoute', {
        ...(screens[index] && { rbac: toOptionalRules(screens[index], stage) }),
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

/** What of a stage decides which address of a client its rules see. */
type Seen = Pick<Stage, 'acceptProxyProtocol'>;

function toOptionalRules(screen: Screen | undefined, stage: Seen): Tree {
  return screen ? { rules: toRules(screen, stage) } : {};
}

function toRules({ action, policies }: Screen, { acceptProxyProtocol }: Seen): Tree {
  const who = acceptProxyProtocol ? told : joints.who;
  return {
    action: action.toUpperCase(),
    policies: Object.fromEntries(
      policies.map((policy) => [
        policy.name,
        {
          permissions: policy.what.map((rule) => toRule(rule, joints.what)),
          principals: policy.who.map((rule) => toRule(rule, who)),
        },
      ]),
    ),
  };
}

/** The names of the fields that join rules, and of the one for the address of a client. */
interface Names {
  readonly all: string;
  readonly some: string;
  readonly not: string;
  readonly list: string;
  readonly client: string;
}

const joints: Readonly<Record<'what' | 'who', Names>> = {
  what: { all: 'and_rules', some: 'or_rules', not: 'not_rule', list: 'rules', client: '' },
  who: { all: 'and_ids', some: 'or_ids', not: 'not_id', list: 'ids', client: 'direct_remote_ip' },
};

/** Behind a PROXY header `direct_remote_ip` is who sent it, and `remote_ip` what `X-Forwarded-For` says. */
const told: Names = { ...joints.who, client: 'source_ip' };

function toRule(rule: ScreenRule, names: Names): Tree {
  switch (rule.kind) {
    case 'any':
      return { any: true };
    case 'all':
    case 'some':
      return { [names[rule.kind]]: { [names.list]: rule.rules.map((inner) => toRule(inner, names)) } };
    case 'not':
      return { [names.not]: toRule(rule.rule, names) };
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
      return { [names.client]: toRange(rule.range) };
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
