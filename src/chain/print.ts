import { isMap, isSeq, parseDocument, stringify, visit } from 'yaml';
import { formatAddress } from '../core/address.ts';
import { formatDuration } from '../core/deadline.ts';
import { parseDuration } from '../words/duration.ts';
import { formatHopWords, type NameSecret } from './hop-words.ts';
import type { ChainStage, Graph, HopChoice, Limits, ListenerTls, ProxyStage, RouteOptions } from './model.ts';
import { defaultLimits, limitKeys, proxyIdle } from './route-words.ts';
import type { PlaceWords } from './schema-parts.ts';
import type { FileWords, StageWords } from './schema.ts';
import { escapeVariables, type SecretSources } from './secrets.ts';

/** What a graph is printed with. */
export interface PrintOptions {
  /** How its secrets were written, as far as a file says it; the others get names of variables. */
  readonly sources?: SecretSources;
  /** Comments above it, a line each. */
  readonly notes?: readonly string[];
}

/**
 * Writes a graph as the file that `chain -c` reads, without what goes without saying and without any secret:
 * each is named as it was, or as a variable of the environment.
 */
export function printGraph(graph: Graph, { sources = new Map(), notes = [] }: PrintOptions = {}): string {
  const names = new SecretNames(graph, sources);
  const document = parseDocument(stringify(toFileWords(graph, names), { lineWidth: 0 }));
  // What is small stands on one line: limits, users, tls. Texts with ${…} would need quotes there.
  visit(document, {
    Collection: (_key, node, path) => {
      if (path.length > 5 && (isMap(node) || isSeq(node)) && isSmall(String(node))) node.flow = true;
    },
  });
  const comments = [...notes, ...names.invented.map((name) => `set ${name}: what it stands for is not printed`)];
  return (
    comments.map((line) => `# ${line}\n`).join('') + document.toString({ lineWidth: 0, flowCollectionPadding: true })
  );
}

/** A graph as an object that says the same as its file, each secret by its name. */
export function dumpGraph(graph: Graph): FileWords {
  return toFileWords(graph, new SecretNames(graph, new Map()));
}

function toFileWords(graph: Graph, names: SecretNames): FileWords {
  const stages = graph.stages.map((stage) => [stage.name, toStageWords(stage, (holder) => names.of(holder))] as const);
  return { ...toAdminWords(graph), stages: Object.fromEntries(stages) };
}

function toAdminWords({ admin, adminOpen }: Graph): Pick<FileWords, 'admin'> {
  if (!admin) return {};
  const listen = formatListen(admin);
  return { admin: adminOpen ? { listen, open: true } : listen };
}

function isSmall(text: string): boolean {
  return text.length < 80 && !text.includes('${');
}

/** Names each secret once, in the order of the stages. */
class SecretNames {
  readonly #names = new Map<object, string>();
  /** Variables that no file has named. */
  readonly invented: string[] = [];

  constructor({ stages }: Graph, sources: SecretSources) {
    const hops = [...new Set(stages.flatMap(({ route }) => route.hops.flat()))];
    const users = stages.flatMap((stage) => (stage.job === 'proxy' && stage.users.single ? [stage.users.single] : []));
    this.#invent(
      'TUNL_PROXY_PASSWORD',
      hops.flatMap(({ credentials }) => credentials?.password ?? []),
      sources,
    );
    this.#invent(
      'TUNL_PROXY_HEADER',
      hops.flatMap(({ headers }) => headers),
      sources,
    );
    this.#invent('TUNL_SERVE_PASSWORD', users, sources);
  }

  of(holder: object): string {
    return this.#names.get(holder) ?? '‹redacted›';
  }

  #invent(name: string, holders: readonly object[], sources: SecretSources): void {
    const unnamed = [...new Set(holders)].filter((holder) => !sources.has(holder));
    for (const holder of holders) this.#names.set(holder, sources.get(holder) ?? '');
    for (const [index, holder] of unnamed.entries()) {
      const variable = unnamed.length === 1 ? name : `${name}_${index + 1}`;
      this.#names.set(holder, `\${${variable}}`);
      this.invented.push(variable);
    }
  }
}

function toStageWords(stage: ChainStage, nameSecret: NameSecret): StageWords {
  const { name, route, tls, to } = stage;
  const listen = stage.listen.map(formatListen);
  const limits = toLimitWords(stage);
  return {
    ...(!(listen.length === 1 && listen[0] === `internal://${name}`) && { listen: unwrap(listen) }),
    ...(tls && { tls: toTlsWords(tls) }),
    ...(stage.job === 'proxy' && { proxy: toProxyWords(stage, nameSecret) }),
    ...toViaWords(route, nameSecret),
    ...(to && { to: unwrap(to.targets.map((target) => escapeVariables(formatAddress(target)))) }),
    ...(to && to.balance !== 'first' && { balance: to.balance }),
    ...(limits && { limits }),
    ...(route.retries !== undefined && route.retries > 0 && { retry: route.retries }),
    ...(route.family !== undefined && { family: route.family }),
    ...(stage.log && { log: true }),
  };
}

function formatListen(address: ChainStage['listen'][number]): string | number {
  if (address.kind === 'tcp' && address.host === '127.0.0.1') return address.port;
  return escapeVariables(formatAddress(address));
}

/** One of them stands for itself. */
function unwrap<T>(list: readonly T[]): T | T[] {
  return list.length === 1 ? (list[0] as T) : [...list];
}

function toTlsWords({ cert, key, clientCa }: ListenerTls): NonNullable<StageWords['tls']> {
  if (cert === undefined && clientCa === undefined) return true;
  return {
    ...(cert !== undefined && { cert: escapeVariables(cert) }),
    ...(key !== undefined && key !== cert && { key: escapeVariables(key) }),
    ...(clientCa !== undefined && { 'client-ca': escapeVariables(clientCa) }),
  };
}

function toProxyWords(stage: ProxyStage, nameSecret: NameSecret): StageWords['proxy'] {
  const { accept, users, allow, deny, open, caps, proxyProtocol } = stage;
  const words = {
    ...(accept.length > 0 && { accept: unwrap(accept) }),
    ...(users.authFile !== undefined && { users: escapeVariables(users.authFile) }),
    ...(users.single && { users: { [users.single.user]: nameSecret(users.single) } }),
    ...(allow.length > 0 && { allow: unwrap(allow.map(escapeVariables)) }),
    ...(deny.length > 0 && { deny: unwrap(deny.map(escapeVariables)) }),
    ...(open && { open }),
    ...(caps?.total !== undefined && { 'max-tunnels': caps.total }),
    ...(caps?.perClient !== undefined && { 'max-tunnels-per-client': caps.perClient }),
    ...(caps?.perSession !== undefined && { 'max-tunnels-per-session': caps.perSession }),
    ...(proxyProtocol && { 'proxy-protocol': proxyProtocol }),
  };
  return Object.keys(words).length === 0 ? true : words;
}

function toViaWords({ entry, hops }: RouteOptions, nameSecret: NameSecret): Pick<StageWords, 'via'> {
  const places = hops.map((choice) => toPlaceWords(choice, nameSecret));
  const all = [...(entry ? [formatAddress(entry)] : []), ...places];
  return all.length === 0 ? {} : { via: unwrap(all) };
}

function toPlaceWords(choice: HopChoice, nameSecret: NameSecret): PlaceWords {
  const ways = choice.map((hop) => formatHopWords(hop, nameSecret));
  const urls = ways.filter((way) => typeof way === 'string');
  if (urls.length === ways.length) return urls.join('|');
  const [only, ...others] = ways;
  return only !== undefined && others.length === 0 ? only : { any: ways };
}

function toLimitWords({ job, route }: ChainStage): StageWords['limits'] {
  const usual = { ...defaultLimits, ...(job === 'proxy' && { idle: proxyIdle }) };
  const given = Object.entries(limitKeys).flatMap(([name, key]: [string, keyof Limits]) => {
    const ms = route.limits[key] ?? 0;
    const isUsual = ms === parseDuration(String(usual[name as keyof typeof usual]), name);
    return isUsual ? [] : [[name, ms === 0 ? 'off' : formatDuration(ms)] as const];
  });
  return given.length === 0 ? undefined : Object.fromEntries(given);
}
