import { resolve } from 'node:path';
import type { InternalAddress, ListenAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import { isInternal, parseInternal } from '../../syntax/internal.ts';
import { parseListen, parseUnix, resolveUnix, splitFront } from '../../syntax/listen.ts';
import { limitSettings } from '../../syntax/settings.ts';
import { collectValues, routeSettings, stageSettings } from '../../syntax/stage-settings.ts';
import { listenerTlsSettings } from '../../syntax/listener/tls.ts';
import { parseSize } from '../../syntax/size.ts';
import { parseTarget } from '../../syntax/target.ts';
import { Diagnostics } from './diagnostics.ts';
import type { Path } from './document.ts';
import { readHttp } from './http/stage.ts';
import { readAccessLog } from './log/access-log.ts';
import type { Stage, Graph, ListenerTls, RouteName, Target } from '../model/graph.ts';
import { type ProxyReader, readProxy, readValues } from './proxy.ts';
import { readRoute, type RouteDefaults, type WrittenLimits } from './route.ts';
import type { LimitsConfig, ExitConfig } from './schema-parts.ts';
import type { FileConfig, StageConfig } from './schema.ts';
import { readScreens } from './screens/read.ts';
import { readState, readTargetFormat } from './state/state.ts';
import { fillVariables, readKeyPassword, type SecretSources } from './secrets.ts';
import { readTargetTls, withoutTls } from './target-tls.ts';
import { RouteTable } from '../model/shared-names.ts';

/** Options for reading a file: its surroundings, and the schemes, switches and rules that stages may use. */
export type FileReaderOptions = Pick<
  ProxyReader,
  'env' | 'folder' | 'schemes' | 'switches' | 'frontKinds' | 'checkRule'
>;

/** Makes a graph of a file whose form is valid. */
export class FileReader implements ProxyReader {
  readonly attempts = new Diagnostics();
  readonly sources: SecretSources = new Map();
  /** The places of routes, hosts and upstreams in the file. */
  readonly places = new Map<object, Path>();
  readonly env: ProxyReader['env'];
  readonly folder: ProxyReader['folder'];
  readonly schemes: ProxyReader['schemes'];
  readonly switches: ProxyReader['switches'];
  readonly frontKinds: ProxyReader['frontKinds'];
  readonly checkRule: ProxyReader['checkRule'];
  readonly #words: FileConfig;
  /** The routes of the graph. Stages with equal settings share a route, and with it the sessions with its proxies. */
  readonly #routes = new RouteTable();

  constructor(words: FileConfig, options: FileReaderOptions) {
    this.#words = words;
    ({
      env: this.env,
      folder: this.folder,
      schemes: this.schemes,
      switches: this.switches,
      frontKinds: this.frontKinds,
      checkRule: this.checkRule,
    } = options);
  }

  /** Makes the graph, without the parts that had errors. */
  read(): Graph {
    const { stages, admin, 'internal-buffer': buffer } = this.#words;
    if (Object.keys(stages).length === 0) this.attempts.add(['stages'], 'there is no stage');
    const internalBufferBytes = this.attempts.run(['internal-buffer'], () => readBuffer(buffer));
    const administration = this.attempts.run(['admin'], () => this.#readAdmin(admin));
    return {
      ...administration,
      stages: Object.entries(stages).map(([name, stage]) => this.#readStage(name, stage)),
      routes: this.#routes.routes,
      ...(internalBufferBytes !== undefined && { internalBufferBytes }),
    };
  }

  #readStage(name: string, stage: StageConfig): Stage<RouteName> {
    const path: Path = ['stages', name];
    const { attempts } = this;
    const { listen = `internal://${name}` } = stage;
    const tls = attempts.run([...path, 'tls'], () => this.#readTls([...path, 'tls'], stage.tls));
    const logs = attempts.runEach([...path, 'access-log'], stage['access-log'], (word) =>
      readAccessLog(word, this, (file) => this.#resolveFile(file)),
    );
    const places = attempts.runEach([...path, 'listen'], listen, (word) => this.#readPlace(word));
    const front = places[0]?.front;
    if (places.some((place) => place.front !== front)) {
      attempts.add([...path, 'listen'], 'all addresses of a stage have one front', frontHint);
    }
    const shared = {
      name,
      listen: places.map(({ address }) => address),
      ...collectValues(stageSettings, ({ key }) => stage[key]),
      ...(tls && { tls }),
      log: stage.log ?? false,
      ...(logs.length > 0 && { accessLogs: logs }),
    };
    const screens = stage.screens && readScreens([...path, 'screens'], stage.screens, this);
    const of = stage.http ? 'request' : 'connection';
    const state = stage.state && readState([...path, 'state'], stage.state, of, this);
    const values = state && state.length > 0 && { state };
    if (stage.http) {
      if (front !== undefined) attempts.add([...path, 'listen'], `${front}: does not go with http`, frontHint);
      return {
        ...shared,
        ...this.#readHttp(name, stage, stage.http),
        ...(screens && { connectionScreens: screens }),
        ...values,
      };
    }
    const bytes = this.#readBytes(name, stage, front);
    if (bytes.job === 'forward') return { ...shared, ...bytes, ...(screens && { screens }), ...values };
    for (const key of ['state', 'open'] as const) {
      if (stage[key] === undefined) continue;
      const hint = key === 'open' ? 'write proxy: { open: true }' : 'write it for the stage inside';
      attempts.add([...path, key], `${key} does not go with a proxy`, hint);
    }
    if (screens) attempts.add([...path, 'screens'], 'screens do not go with a proxy', 'write users, allow and deny');
    return { ...shared, ...bytes };
  }

  /** Reads a stage that forwards bytes or is a proxy; with a front it is a proxy. */
  #readBytes(name: string, stage: StageConfig, front: string | undefined) {
    const path: Path = ['stages', name];
    const { attempts } = this;
    const isProxy = stage.proxy !== undefined || front !== undefined;
    const { words, targetTls } = this.#readTargetTls(path, stage, isProxy);
    const format = typeof words === 'string' && !isProxy ? this.#readFormat(path, words) : undefined;
    const targets =
      format === undefined ? attempts.runEach([...path, 'to'], words, (word) => this.readTarget(word)) : [];
    const to = { targets, balance: stage.balance ?? 'first' } as const;
    const side = isProxy ? 'serve' : 'forward';
    const defaults = { ...this.#words.defaults, limits: [this.#defaultLimits()], side } as const;
    const route = this.#readWay(name, path, stage, defaults);
    if (stage.balance !== undefined && stage.to === undefined) attempts.add([...path, 'balance'], 'balance needs to');
    if (isProxy) {
      const settings = readProxy([...path, 'proxy'], stage.proxy, this);
      if (targets.length > 0 && stage.proxy === undefined)
        attempts.add([...path, 'to'], `to does not go with ${front}:, whose clients name their targets`, frontHint);
      return { job: 'proxy' as const, route, ...(targets.length > 0 && { to }), ...settings, ...(front && { front }) };
    }
    if (stage.to === undefined) {
      const hint = 'add to: HOST:PORT, proxy: true for the target that each tunnel asks for, or http: with routes';
      attempts.add(path, `${name} has no target`, hint);
    }
    const chosen = {
      ...(targetTls && { targetTls }),
      ...(format !== undefined && { targetFormat: format }),
      ...(stage.open && { open: true }),
    };
    return { job: 'forward' as const, route, to, ...chosen };
  }

  /** Takes `tls://` off the targets of a stage, and reads the TLS that is spoken with them. */
  #readTargetTls(path: Path, stage: StageConfig, isProxy: boolean) {
    const { to, 'to-tls': written } = stage;
    const rests = [to ?? []].flat().map((word) => withoutTls(word));
    const isTls = rests.some((rest) => rest !== undefined);
    if (isProxy && (isTls || written !== undefined)) {
      const hint = 'write it for a stage inside, with to: internal://NAME here';
      this.attempts.add([...path, isTls ? 'to' : 'to-tls'], 'a proxy speaks no TLS with its target', hint);
    }
    if (isTls && rests.includes(undefined)) {
      this.attempts.add(
        [...path, 'to'],
        'TLS is spoken with all targets of a stage, or with none',
        'write tls:// for all, or to-tls beside them',
      );
    }
    if (written !== undefined && to === undefined) this.attempts.add([...path, 'to-tls'], 'to-tls needs to');
    const words = written ?? (isTls ? true : undefined);
    const targetTls = words && this.attempts.run([...path, 'to-tls'], () => readTargetTls(words, 'to-tls', this));
    const strip = (word: string) => withoutTls(word) ?? word;
    return { words: typeof to === 'string' ? strip(to) : to?.map(strip), targetTls };
  }

  #readFormat(path: Path, word: string): string | undefined {
    return this.attempts.run([...path, 'to'], () => readTargetFormat(word, this));
  }

  #readHttp(name: string, stage: StageConfig, http: NonNullable<StageConfig['http']>) {
    const path: Path = ['stages', name];
    for (const key of [
      'proxy',
      'to',
      'to-tls',
      'open',
      'balance',
      'via',
      'retry',
      ...routeSettings.map((each) => each.key),
    ] as const) {
      if (stage[key] === undefined) continue;
      const hint = key === 'proxy' ? 'give it a stage of its own' : 'write it for an upstream: http: { upstreams: … }';
      this.attempts.add([...path, key], `${key} does not go with http`, hint);
    }
    if (!http.routes && !http.hosts && !http.host)
      this.attempts.add([...path, 'http'], 'http has no routes', 'add routes or hosts');
    const { limits = {} } = stage;
    const defaults = { limits: [this.#defaultLimits()], side: 'serve' } as const;
    const route = this.#readWay(name, path, { limits }, defaults);
    const readUpstreamWay = (at: Path, words: ExitConfig, upstream: string) =>
      this.#readWay(`${name}.${upstream}`, at, words, this.#inherit(path, limits));
    return { job: 'http' as const, route, ...readHttp([...path, 'http'], http, this, readUpstreamWay) };
  }

  /** The defaults of an upstream, which come from its stage. */
  #inherit(path: Path, limits: LimitsConfig): RouteDefaults {
    const layers = [{ at: [...path, 'limits'], words: limits }, this.#defaultLimits()];
    const inherited = layers.map(({ at, words }) => ({ at, words: pickShared(words) }));
    return { ...this.#words.defaults, limits: inherited, side: 'forward' };
  }

  #defaultLimits(): WrittenLimits {
    return { at: ['defaults', 'limits'], words: this.#words.defaults?.limits ?? {} };
  }

  #readWay(wanted: RouteName, path: Path, words: ExitConfig, defaults: RouteDefaults): RouteName {
    const { via, limits, retry } = words;
    const said = [via, limits, retry, ...routeSettings.map(({ key }) => words[key]), defaults];
    return this.#routes.share(wanted, said, () => readRoute(path, words, defaults, this));
  }

  #readAdmin(words: FileConfig['admin']): Pick<Graph, 'admin' | 'adminOpen'> {
    if (words === undefined) return {};
    const { listen, open = false } = typeof words === 'object' ? words : { listen: words };
    const admin = this.#toListen(fillVariables(String(listen), this));
    if (admin.kind === 'internal') throw usageError('no other stage may reach the admin address', 'give it a port');
    return { admin, ...(open && { adminOpen: true }) };
  }

  /** Reads an address of a stage, with the kind of front before it. */
  #readPlace(word: string | number): ListenPlace {
    const text = fillVariables(String(word), this);
    const written = splitFront(text, this.frontKinds);
    if (!written) return { address: this.#toListen(text) };
    const { front, address } = written;
    return { front, address: this.#toListen(address === '' ? '0' : address) };
  }

  #toListen(text: string): ListenAddress | InternalAddress {
    if (isInternal(text)) return parseInternal(text);
    const address = parseListen(text);
    return address.kind === 'unix' ? resolveUnix(address, this.folder) : address;
  }

  /** Reads the target of a stage. @throws {TunlError} usage */
  readTarget(word: string): Target {
    const text = fillVariables(word, this);
    if (isInternal(text)) return parseInternal(text);
    return text.startsWith('unix:') ? resolveUnix(parseUnix(text), this.folder) : parseTarget(text);
  }

  #resolveFile(word: string): string {
    return resolve(this.folder, fillVariables(word, this));
  }

  #readTls(path: Path, words: StageConfig['tls']): ListenerTls | undefined {
    if (words === undefined || words === true) return words && {};
    const password = words['key-password'];
    for (const [name, word] of Object.entries({ key: words.key, 'key-password': password })) {
      if (words.cert === undefined && word !== undefined) throw usageError(`${name} needs cert`);
    }
    const files = readValues(path, listenerTlsSettings, words, this);
    const { cert, key = cert } = files;
    return {
      ...files,
      ...(cert !== undefined && key !== undefined && { cert, key }),
      ...readKeyPassword(password, this, this.sources),
    };
  }
}

/** An address that a stage listens on, and the front that clients meet there; absent if none is written. */
interface ListenPlace {
  readonly address: ListenAddress | InternalAddress;
  readonly front?: string;
}

const frontHint = 'give it a stage of its own';

function pickShared(words: LimitsConfig): LimitsConfig {
  const ofClients = new Set<string>(limitSettings.flatMap(({ key, isOfClients }) => (isOfClients ? [key] : [])));
  return Object.fromEntries(Object.entries(words).filter(([key]) => !ofClients.has(key)));
}

/** The limits of a buffer, in bytes; the same as Envoy's. */
const [minBufferBytes, maxBufferBytes] = [1024, 8 * 1024 * 1024];

function readBuffer(word: string | number | undefined): number | undefined {
  if (word === undefined) return undefined;
  const bytes = parseSize(String(word), 'internal-buffer');
  if (bytes >= minBufferBytes && bytes <= maxBufferBytes) return bytes;
  throw usageError(`internal-buffer: ${word} is not from 1KiB to 8MiB`);
}
