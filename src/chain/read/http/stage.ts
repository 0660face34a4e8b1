import { formatAddress } from '../../../core/address.ts';
import { usageError } from '../../../core/errors.ts';
import { suggest } from '../../../syntax/suggest.ts';
import { quote } from '../../../syntax/text.ts';
import type { Path } from '../document.ts';
import { parseDomain } from '../../model/domain.ts';
import { readAction } from './action.ts';
import { readAnswers } from './answers.ts';
import { readChanges } from '../headers/changes.ts';
import { isFieldName, readMatches } from './match.ts';
import type { HttpConfig, VirtualHostConfig, HttpRouteConfig, UpstreamConfig } from './schema.ts';
import type {
  HttpRoute,
  HttpStage,
  RouteName,
  StagePolicy,
  Target,
  TargetChoice,
  Upstream,
  VirtualHost,
} from '../../model/graph.ts';
import { type PolicyReader, readPolicy } from '../proxy.ts';
import { readScreens } from '../screens/read.ts';
import type { ExitConfig } from '../schema-parts.ts';
import { fillVariables } from '../secrets.ts';
import { readTargetTls } from '../target-tls.ts';

/** The surroundings for reading HTTP stages. */
export interface HttpReader extends PolicyReader {
  /** The positions in the file of routes, hosts and upstreams, by the objects made from them. */
  readonly places: Map<object, Path>;
  /** Reads a target. @throws {TunlError} usage */
  readTarget(word: string): Target;
}

/** Reads the route of the upstream with that name. */
type ReadWay = (path: Path, words: ExitConfig, upstream: string) => RouteName;

/** The name, and the only domain, of the virtual host that matches all hosts. */
export const everyHost = '*';

/** Reads the `http` settings of a stage. */
export function readHttp(
  path: Path,
  words: HttpConfig,
  reader: HttpReader,
  readWay: ReadWay,
): Pick<HttpStage<RouteName>, HttpKey | keyof StagePolicy> {
  const { codec = 'auto', open = false, routes, host, hosts = host ?? {}, upstreams = {}, ...policy } = words;
  const { 'ignore-port': ignorePort = false, 'strip-port': stripPort } = words;
  const known = new Upstreams(reader, readWay);
  for (const [name, upstream] of Object.entries(upstreams)) known.declare(name, [...path, 'upstreams', name], upstream);
  const read = (name: string, at: Path, each: VirtualHostConfig) => readHost(name, at, each, known, reader);
  const hostsKey = hosts === host ? 'host' : 'hosts';
  if (host && hosts !== host) reader.attempts.add([...path, 'host'], 'host and hosts mean the same', 'leave one out');
  const named = Object.entries(hosts).map(([name, each]) => read(name, [...path, hostsKey, name], each));
  return {
    ...readPolicy(path, policy, reader),
    codec,
    hosts: routes ? [...named, read(everyHost, [...path, 'routes'], routes)] : named,
    ...(ignorePort && { ignorePort }),
    ...(stripPort && { stripPort }),
    upstreams: known.all(),
    ...(open && { open }),
    ...readChanges(path, words, reader),
    ...(words.screens && { screens: readScreens([...path, 'screens'], words.screens, reader) }),
    ...(words.answers && { answers: readAnswers([...path, 'answers'], words.answers, reader) }),
    ...(words['routes-change-last'] && { routesChangeLast: true }),
  };
}

/** What is read of an HTTP stage beside its policy. */
type HttpKey =
  | 'codec'
  | 'hosts'
  | 'ignorePort'
  | 'stripPort'
  | 'upstreams'
  | 'open'
  | 'changes'
  | 'routesChangeLast'
  | 'answers'
  | 'screens';

function readHost(
  name: string,
  path: Path,
  words: VirtualHostConfig,
  upstreams: Upstreams,
  reader: HttpReader,
): VirtualHost {
  const isBare = Array.isArray(words);
  const { domains = name, routes } = isBare ? { routes: words } : words;
  const at: Path = isBare || words.domains === undefined ? path : [...path, 'domains'];
  const routesAt: Path = isBare ? path : [...path, 'routes'];
  const host: VirtualHost = {
    name,
    domains: reader.attempts.runEach(at, domains, (word) => parseDomain(fillVariables(word, reader))),
    routes: routes.flatMap((route, index) => readRoutes([...routesAt, index], route, upstreams, reader)),
    ...(isBare ? {} : readChanges(path, words, reader)),
  };
  reader.places.set(host, path);
  return host;
}

/** Reads a route of a file, which becomes one route for each of its methods. */
function readRoutes(path: Path, words: HttpRouteConfig, upstreams: Upstreams, reader: HttpReader): HttpRoute[] {
  const { attempts } = reader;
  const lead = (at: Path, to: string | readonly string[]) => attempts.run(at, () => upstreams.lead(at, to));
  const action = readAction(path, words, lead, reader);
  const screens = words.screens && readScreens([...path, 'screens'], words.screens, reader);
  const changes = { ...readChanges(path, words, reader), ...(screens && { screens }) };
  const routes = readMatches(path, words, reader).flatMap((match) => (action ? [{ match, action, ...changes }] : []));
  for (const route of routes) reader.places.set(route, path);
  return routes;
}

/** The upstreams of a stage: first the declared ones, then those that routes define only by their targets. */
class Upstreams {
  readonly #byName = new Map<string, Upstream<RouteName> | undefined>();
  readonly #reader: HttpReader;
  readonly #readWay: ReadWay;

  constructor(reader: HttpReader, readWay: ReadWay) {
    this.#reader = reader;
    this.#readWay = readWay;
  }

  all(): Upstream<RouteName>[] {
    return [...this.#byName.values()].filter((upstream) => upstream !== undefined);
  }

  declare(name: string, path: Path, words: UpstreamConfig): void {
    const settings = typeof words === 'string' || Array.isArray(words) ? { to: words } : words;
    const { attempts } = this.#reader;
    const at = settings === words ? [...path, 'to'] : path;
    const to = attempts.run(at, () => withNames(this.#readTo(at, settings.to, settings.balance), settings.names));
    const { tls: tlsWords } = settings;
    const tls = tlsWords && attempts.run([...path, 'tls'], () => readTargetTls(tlsWords, 'tls', this.#reader));
    const route = this.#readWay(path, settings, name);
    // The name is known even if the upstream has errors, so that routes to it report no more of them.
    this.#byName.set(name, undefined);
    if (to) this.#add({ name, to, route, version: settings.http2 ? 'http2' : 'http1', ...(tls && { tls }) }, path);
  }

  /**
   * Returns the name of the upstream for a route, and makes the upstream if the route lists targets instead.
   * @throws {TunlError} usage
   */
  lead(path: Path, words: string | readonly string[]): string {
    const texts = [words].flat().map((word) => fillVariables(word, this.#reader));
    const [only = ''] = texts;
    if (texts.length === 1 && this.#byName.has(only)) return only;
    if (texts.length === 1 && !only.includes(':')) throw this.#unknown(only);
    const to = this.#readTo(path, words, undefined);
    const name = nameTargets(to);
    if (!this.#byName.has(name)) {
      this.#add({ name, to, route: this.#readWay(path, {}, name), version: 'http1' }, path);
    }
    return name;
  }

  #add(upstream: Upstream<RouteName>, path: Path): void {
    this.#byName.set(upstream.name, upstream);
    this.#reader.places.set(upstream, path);
  }

  #readTo(path: Path, words: string | readonly string[], balance: TargetChoice['balance'] | undefined): Upstream['to'] {
    const [only = ''] = [words].flat().map((word) => fillVariables(word, this.#reader));
    const field = typeof words === 'string' || words.length === 1 ? parseField(only) : undefined;
    if (field !== undefined) return { field };
    const targets = this.#reader.attempts.runEach(path, words, (word) => this.#reader.readTarget(word));
    return { targets, balance: balance ?? 'first' };
  }

  #unknown(name: string) {
    const known = [...this.#byName.keys()];
    const near = suggest(name, known);
    const others =
      known.length === 0 ? 'write a target, HOST:PORT, or add it to upstreams' : `there are ${known.join(' ')}`;
    return usageError(`there is no upstream ${quote(name)}`, near === undefined ? others : `did you mean ${near}?`);
  }
}

/** Makes the name of an upstream that has none in the file, from its targets. */
export function nameTargets(to: Upstream['to']): string {
  return 'field' in to ? `field:${to.field}` : to.targets.map(formatAddress).join('|');
}

function withNames(to: Upstream['to'], names = false): Upstream['to'] {
  if (!names) return to;
  if ('field' in to) return { ...to, names };
  throw usageError('names goes with field:NAME alone: other targets may be names anyway', 'leave names out');
}

/**
 * Parses `field:NAME`. Returns undefined for other texts, such as `field:80`, which is a host and a port.
 * @throws {TunlError} usage
 */
function parseField(text: string): string | undefined {
  const name = /^field:(?!\d+$)(.*)$/s.exec(text)?.[1]?.toLowerCase();
  if (name === undefined) return undefined;
  if (isFieldName(name)) return name;
  throw usageError(`${quote(text)} names no field of a request`, 'write field::authority, or field:x-target');
}
