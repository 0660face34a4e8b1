import { resolve } from 'node:path';
import type { InternalAddress, ListenAddress } from '../core/address.ts';
import { usageError } from '../core/errors.ts';
import type { NoticeEvent } from '../core/events.ts';
import type { KnownScheme } from '../words/hop.ts';
import { isInternal, parseInternal } from '../words/internal.ts';
import { parseListen, parseUnix } from '../words/listen.ts';
import { suggest } from '../words/suggest.ts';
import { parseTarget } from '../words/target.ts';
import { quote } from '../words/text.ts';
import { Attempts } from './attempt.ts';
import { type Path, Source } from './document.ts';
import { explainIssues } from './issues.ts';
import type { ChainStage, Graph, ListenerTls, ProxyStage, RouteOptions, Target } from './model.ts';
import { readRoute, type RouteReader } from './route-words.ts';
import { checkForm, type FileWords, type StageWords } from './schema.ts';
import { fillVariables, readSecret, type SecretSources, type Surroundings } from './secrets.ts';
import { findFaults } from './validate.ts';

/** What a file is read with: what a stage may name is known elsewhere. */
export interface LoadOptions extends Surroundings {
  /** The file as messages name it. */
  readonly name: string;
  readonly schemes: readonly KnownScheme[];
  /** What `accept` may name. */
  readonly switches: readonly string[];
  /** @throws {TunlError} usage, when the text is no rule */
  readonly checkRule: (text: string) => void;
}

/** A graph, and how its secrets were written. */
export interface LoadedGraph {
  readonly graph: Graph;
  readonly sources: SecretSources;
  /** Where a stage stands: `chain.yaml:4:5`. */
  readonly placeOf: (stage: string) => string;
  /** What there is to say about the file, where it has something. */
  readonly notices?: readonly NoticeEvent[];
}

/**
 * Reads the file of `chain`.
 * @throws {TunlError} usage, with file, line and column of what is wrong; then nothing of it is used
 */
export function loadGraph(text: string | Source, options: LoadOptions): LoadedGraph {
  const source = typeof text === 'string' ? new Source(text, options.name) : text;
  const form = checkForm(source.value);
  if ('issues' in form) throw source.fail(explainIssues(form.issues));
  const reader = new FileReader(form.words, options);
  const graph = reader.read();
  if (reader.attempts.faults.length > 0) throw source.fail(reader.attempts.faults);
  const faults = findFaults(graph);
  if (faults.length === 0) {
    return { graph, sources: reader.sources, placeOf: (stage) => source.placeOf(['stages', stage]) };
  }
  throw source.fail(
    faults.map(({ stage, part, message, hint }) => ({
      path: part === 'name' ? ['stages', stage] : ['stages', stage, part],
      atKey: part === 'name',
      message,
      hints: hint === undefined ? [] : [hint],
    })),
  );
}

class FileReader implements RouteReader {
  readonly attempts = new Attempts();
  readonly sources: SecretSources = new Map();
  readonly env: Surroundings['env'];
  readonly folder: string;
  readonly schemes: readonly KnownScheme[];
  readonly #words: FileWords;
  readonly #options: LoadOptions;
  /** Stages that say the same about their way share it, and with it the sessions with its proxies. */
  readonly #routes = new Map<string, RouteOptions>();

  constructor(words: FileWords, options: LoadOptions) {
    this.#words = words;
    this.#options = options;
    ({ env: this.env, folder: this.folder, schemes: this.schemes } = options);
  }

  read(): Graph {
    const { stages } = this.#words;
    if (Object.keys(stages).length === 0) this.attempts.add(['stages'], 'there is no stage');
    const admin = this.attempts.run(['admin'], () => this.#readAdmin(this.#words.admin));
    return { ...admin, stages: Object.entries(stages).map(([name, stage]) => this.#readStage(name, stage)) };
  }

  #readAdmin(words: FileWords['admin']): Pick<Graph, 'admin' | 'adminOpen'> {
    if (words === undefined) return {};
    const { listen, open = false } = typeof words === 'object' ? words : { listen: words };
    const admin = this.#readListen(listen);
    if (admin.kind === 'internal') throw usageError('no other stage may reach the admin address', 'give it a port');
    return { admin, ...(open && { adminOpen: true }) };
  }

  #readStage(name: string, stage: StageWords): ChainStage {
    const path: Path = ['stages', name];
    const { attempts } = this;
    const targets = attempts.runEach([...path, 'to'], stage.to, (word) => this.#readTarget(word));
    const to = targets.length > 0 && { to: { targets, balance: stage.balance ?? 'first' } as const };
    const { listen = `internal://${name}` } = stage;
    const tls = attempts.run([...path, 'tls'], () => this.#readTls(stage.tls));
    const shared = {
      name,
      listen: attempts.runEach([...path, 'listen'], listen, (word) => this.#readListen(word)),
      ...(tls && { tls }),
      route: this.#readRoute(path, stage),
      log: stage.log ?? false,
    };
    if (stage.balance !== undefined && stage.to === undefined) attempts.add([...path, 'balance'], 'balance needs to');
    if (stage.proxy !== undefined) return { ...shared, job: 'proxy', ...to, ...this.#readProxy(path, stage.proxy) };
    if (stage.to === undefined) {
      attempts.add(path, `${name} leads nowhere`, 'add to: HOST:PORT, or proxy: true to go where each tunnel asks');
    }
    return { ...shared, job: 'forward', to: to ? to.to : { targets, balance: 'first' } };
  }

  #readRoute(path: Path, stage: StageWords): RouteOptions {
    const { via, limits, retry, family, proxy } = stage;
    const key = JSON.stringify([via, limits, retry, family, proxy !== undefined]);
    const known = this.#routes.get(key);
    if (known) return known;
    const route = readRoute(path, stage, this.#words.defaults ?? {}, this);
    this.#routes.set(key, route);
    return route;
  }

  #readListen(word: string | number): ListenAddress | InternalAddress {
    const text = fillVariables(String(word), this);
    if (isInternal(text)) return parseInternal(text);
    const address = parseListen(text);
    return address.kind === 'unix' ? this.#resolveUnix(address.path) : address;
  }

  #readTarget(word: string): Target {
    const text = fillVariables(word, this);
    if (isInternal(text)) return parseInternal(text);
    return text.startsWith('unix:') ? this.#resolveUnix(parseUnix(text).path) : parseTarget(text);
  }

  #resolveUnix(path: string): ReturnType<typeof parseUnix> {
    return parseUnix(`unix:${resolve(this.folder, path)}`);
  }

  #resolveFile(word: string): string {
    return resolve(this.folder, fillVariables(word, this));
  }

  #readTls(words: StageWords['tls']): ListenerTls | undefined {
    if (words === undefined || words === true) return words && {};
    const { cert, key = cert, 'client-ca': clientCa } = words;
    if (cert === undefined && key !== undefined) throw usageError('key needs cert');
    return {
      ...(cert !== undefined && key !== undefined && { cert: this.#resolveFile(cert), key: this.#resolveFile(key) }),
      ...(clientCa !== undefined && { clientCa: this.#resolveFile(clientCa) }),
    };
  }

  #readProxy(stagePath: Path, words: StageWords['proxy']) {
    const {
      accept,
      users,
      allow,
      deny,
      open = false,
      'max-tunnels': total,
      'max-tunnels-per-client': perClient,
      'max-tunnels-per-session': perSession,
      'proxy-protocol': proxyProtocol,
    } = words === true || !words ? {} : words;
    const path = [...stagePath, 'proxy'];
    const { attempts } = this;
    return {
      accept: attempts.runEach([...path, 'accept'], accept, (word) => this.#readSwitch(word)),
      users: attempts.run([...path, 'users'], () => this.#readUsers(users)) ?? {},
      allow: attempts.runEach([...path, 'allow'], allow, (word) => this.#readRule(word)),
      deny: attempts.runEach([...path, 'deny'], deny, (word) => this.#readRule(word)),
      open,
      ...((total ?? perClient ?? perSession) !== undefined && {
        caps: {
          ...(total !== undefined && { total }),
          ...(perClient !== undefined && { perClient }),
          ...(perSession !== undefined && { perSession }),
        },
      }),
      ...(proxyProtocol && { proxyProtocol }),
    } satisfies Partial<ProxyStage>;
  }

  #readSwitch(word: string): string {
    const { switches } = this.#options;
    if (switches.includes(word)) return word;
    const near = suggest(word, switches);
    throw usageError(
      `${quote(word)} is nothing that a proxy accepts`,
      near === undefined ? `there are ${switches.join(' ')}` : `did you mean ${near}?`,
    );
  }

  #readRule(word: string): string {
    const rule = fillVariables(word, this);
    this.#options.checkRule(rule);
    return rule;
  }

  #readUsers(users: string | Readonly<Record<string, string>> | undefined): ProxyStage['users'] {
    if (users === undefined) return {};
    if (typeof users === 'string') return { authFile: this.#resolveFile(users) };
    const [first, ...others] = Object.entries(users);
    if (!first || others.length > 0)
      throw usageError('users names one user', 'several users go into an htpasswd file: users: FILE');
    const [user, text] = first;
    const single = { user, password: readSecret(text, `the password of ${quote(user)}`, this, this.sources).reveal() };
    this.sources.set(single, text);
    return { single };
  }
}
