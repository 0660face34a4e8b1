import { formatAddress } from '../../core/address.ts';
import { type CapKey, type Caps, capSettings, collectLimits, formatLimit } from '../../syntax/settings.ts';
import { ruleSettings } from '../../syntax/stage-settings.ts';
import { usualPath } from '../read/http/match.ts';
import { usualUpgrades } from '../read/http/action.ts';
import type { VirtualHostConfig, HttpConfig, HttpRouteConfig, UpstreamConfig } from '../read/http/schema.ts';
import { upstreamOf } from '../check/http-faults.ts';
import { everyHost, nameTargets } from '../read/http/stage.ts';
import type {
  HttpAction,
  HttpRoute,
  HttpStage,
  Limits,
  Redirect,
  RequestsAction,
  StagePolicy,
  TunnelsAction,
  Upstream,
  VirtualHost,
} from '../model/graph.ts';
import { toChangesConfig } from './changes.ts';
import { toFieldConfig } from './conditions.ts';
import { toAnswersConfig, toFormConfig } from './own-answers.ts';
import { toExitConfig, toValueConfig, unwrap } from './route.ts';
import { toScreensConfig } from './screens.ts';
import { toTargetTlsConfig } from './target-tls.ts';
import type { PolicyWords } from '../read/schema-parts.ts';
import type { SecretNames } from '../read/secret-names.ts';
import { escapeVariables } from '../read/secrets.ts';

/** Writes the `http` settings of a stage as in a file. */
export function toHttpConfig(stage: HttpStage, names: SecretNames): HttpConfig {
  const { codec, open, hosts, ignorePort, stripPort, changes, routesChangeLast, screens, answers } = stage;
  const usual = inheritedLimits(stage);
  const declared = listDeclared(stage, usual, names);
  const named = new Map(declared.map((upstream) => [upstream.name, upstream]));
  const lead = (name: string) => {
    const upstream = stage.upstreams.find((candidate) => candidate.name === name);
    return !upstream || named.has(name) ? escapeVariables(name) : toTargetConfig(upstream);
  };
  const last = hosts.at(-1);
  const every = last && isBare(last) && last.name === everyHost ? last : undefined;
  const others = every ? hosts.slice(0, -1) : hosts;
  return {
    ...(codec !== 'auto' && { codec }),
    ...toPolicyConfig(stage, names),
    ...(open && { open }),
    ...(screens && { screens: toScreensConfig(screens) }),
    ...(ignorePort && { 'ignore-port': true }),
    ...(stripPort && { 'strip-port': stripPort }),
    ...toChangesConfig(changes, names),
    ...(routesChangeLast && { 'routes-change-last': true }),
    ...(answers && { answers: toAnswersConfig(answers, names) }),
    ...((others.length > 0 || !every) && {
      hosts: Object.fromEntries(others.map((host) => [host.name, toHostConfig(host, lead, names)])),
    }),
    ...(every && { routes: every.routes.map((route) => toRouteConfig(route, lead, names)) }),
    ...(declared.length > 0 && {
      upstreams: Object.fromEntries(
        declared.map((upstream) => [upstream.name, toUpstreamConfig(upstream, usual, names)]),
      ),
    }),
  };
}

/** Writes the access policy of a stage as in a file. */
export function toPolicyConfig(policy: Partial<StagePolicy>, names: SecretNames): PolicyWords {
  const { users = {}, caps } = policy;
  return {
    ...(users.authFile !== undefined && { users: escapeVariables(users.authFile) }),
    ...(users.single && { users: { [users.single.user]: names.of(users.single) } }),
    ...toValueConfig(ruleSettings, policy),
    ...toCapConfig(caps),
  };
}

function toCapConfig(caps: Caps = {}): { readonly [key in CapKey]?: number } {
  return Object.fromEntries(
    capSettings.flatMap(({ key, field }) => (caps[field] === undefined ? [] : [[key, caps[field]]])),
  );
}

type Lead = (upstream: string) => string | string[];

/** Returns the limits of an upstream that sets none: those of its stage, except the ones that apply only to clients. */
function inheritedLimits({ route: { limits } }: HttpStage): Limits {
  return collectLimits('forward', ({ field, isOfClients }) => (isOfClients ? undefined : limits[field]));
}

/**
 * Lists the upstreams that the file must declare. The others are made again from the targets of routes when the file is
 * read. If that would change the order of the upstreams, all are declared.
 */
function listDeclared(stage: HttpStage, usual: Limits, names: SecretNames): readonly Upstream[] {
  const used = [...new Set(stage.hosts.flatMap(({ routes }) => routes).map(upstreamOf))];
  const isImplied = (upstream: Upstream) =>
    used.includes(upstream.name) &&
    upstream.name === nameTargets(upstream.to) &&
    typeof toUpstreamConfig(upstream, usual, names) !== 'object';
  const declared = stage.upstreams.filter((upstream) => !isImplied(upstream));
  const implied = used.flatMap((name) => stage.upstreams.find((each) => each.name === name && isImplied(each)) ?? []);
  const isInOrder = [...declared, ...implied].every((upstream, index) => upstream === stage.upstreams[index]);
  return isInOrder ? declared : stage.upstreams;
}

function toTargetConfig({ to }: Upstream): string | string[] {
  if ('field' in to) return `field:${to.field}`;
  return unwrap(to.targets.map((target) => escapeVariables(formatAddress(target))));
}

function toUpstreamConfig(upstream: Upstream, usual: Limits, names: SecretNames): UpstreamConfig {
  const { to, route, version, tls } = upstream;
  const rest = {
    ...(!('field' in to) && to.balance !== 'first' && { balance: to.balance }),
    ...('field' in to && to.names && { names: true }),
    ...(version === 'http2' && { http2: true }),
    ...(tls && { tls: toTargetTlsConfig(tls, names) }),
    ...toExitConfig(route, usual, names),
  };
  const target = toTargetConfig(upstream);
  return Object.keys(rest).length === 0 ? target : { to: target, ...rest };
}

function isBare({ name, domains, changes }: VirtualHost): boolean {
  return !changes && domains.length === 1 && domains[0] === name && name === name.toLowerCase();
}

function toHostConfig(host: VirtualHost, lead: Lead, names: SecretNames): VirtualHostConfig {
  const routes = host.routes.map((route) => toRouteConfig(route, lead, names));
  if (isBare(host)) return routes;
  return { domains: unwrap(host.domains.map(escapeVariables)), ...toChangesConfig(host.changes, names), routes };
}

function toRouteConfig(
  { match, action, changes, screens }: HttpRoute,
  lead: Lead,
  names: SecretNames,
): HttpRouteConfig {
  const does = toActionConfig(action, lead);
  const { path } = match;
  const usual = usualPath(does);
  const isUsual = path.kind !== 'connect' && usual.kind === path.kind && usual.value === path.value;
  const fits =
    path.kind === 'connect'
      ? { connect: true as const }
      : { [path.kind === 'exact' ? 'path' : path.kind]: escapeVariables(path.value) };
  const [first, ...rest] = match.fields;
  const method = first?.name === ':method' && !first.invert && first.value?.kind === 'exact' ? first.value.value : '';
  const isMethod = /^[A-Z]+$/.test(method);
  const fields = isMethod ? rest : match.fields;
  const upgrade = action.kind === 'tunnels' ? [] : (action.upgrades ?? []);
  const usualUpgrade = usualUpgrades(path.kind === 'connect' ? { connect: true } : {});
  const isUpgrade = action.kind === 'requests' ? upgrade.join() !== usualUpgrade.join() : upgrade.length > 0;
  return {
    ...(!isUsual && fits),
    ...(isMethod && { method }),
    ...(fields.length > 0 && { headers: toFieldConfig(fields) }),
    ...does,
    ...(screens && { screens: toScreensConfig(screens) }),
    ...toChangesConfig(changes, names),
    ...(isUpgrade && { upgrade: upgrade.length === 1 ? upgrade[0] : [...upgrade] }),
  };
}

function toActionConfig(action: HttpAction, lead: Lead): HttpRouteConfig {
  if (action.kind === 'answer') {
    const { status, body, redirect, form } = action;
    if (redirect) return { redirect: toRedirectConfig(status, redirect) };
    if (form) {
      const text = body !== undefined && { body: escapeVariables(body) };
      return { answer: { status, ...text, ...toFormConfig(form) } };
    }
    return { answer: body === undefined ? status : `${status} ${escapeVariables(body)}` };
  }
  const limits = {
    ...(action.idleMs !== undefined && { idle: formatLimit(action.idleMs) }),
    ...(action.lifetimeMs !== undefined && { lifetime: formatLimit(action.lifetimeMs) }),
  };
  if (action.kind === 'requests') {
    const { timeoutMs, upstream } = action;
    const timeout = timeoutMs > 0 && { timeout: formatLimit(timeoutMs) };
    return { to: lead(upstream), ...timeout, ...limits, ...toRewriteConfig(action) };
  }
  const { post, proxyProtocol, upstream } = action;
  return {
    'tunnel-to': lead(upstream),
    ...(post && { post }),
    ...limits,
    ...(proxyProtocol && { 'proxy-protocol': proxyProtocol }),
    ...toRewriteConfig(action),
  };
}

function toRedirectConfig(
  status: number,
  { scheme, host, port, path, prefix, dropsQuery }: Redirect,
): NonNullable<HttpRouteConfig['redirect']> {
  const texts = Object.entries({ scheme, host, path, prefix }).flatMap(([key, text]) =>
    text === undefined ? [] : [[key, escapeVariables(text)]],
  );
  return {
    ...(status !== 301 && { status: status as 302 }),
    ...Object.fromEntries(texts),
    ...(port !== undefined && { port }),
    ...(dropsQuery && { query: false }),
  };
}

function toRewriteConfig({ rewrite }: RequestsAction | TunnelsAction): Pick<HttpRouteConfig, 'rewrite'> {
  if (!rewrite) return {};
  const { host, hostField, hostOfTarget, prefix, pattern } = rewrite;
  return {
    rewrite: {
      ...(host !== undefined && { host: escapeVariables(host) }),
      ...(hostField !== undefined && { 'host-field': escapeVariables(hostField) }),
      ...(hostOfTarget && { 'host-of-target': hostOfTarget }),
      ...(prefix !== undefined && { prefix: escapeVariables(prefix) }),
      ...(pattern && { regex: escapeVariables(pattern.regex), with: escapeVariables(pattern.substitution) }),
    },
  };
}
