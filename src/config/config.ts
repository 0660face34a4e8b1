import { dirname, resolve } from 'node:path';
import { type Path, Source } from '../chain/read/document.ts';
import { explainIssues } from '../chain/read/issues.ts';
import type { Surroundings } from '../chain/read/secrets.ts';
import type { TcpAddress } from '../core/address.ts';
import { TunlError, usageError } from '../core/errors.ts';
import { type DraftHop, type HopFallbacks, type KnownScheme, parseHop, splitAlternatives } from '../syntax/hop.ts';
import { suggest } from '../syntax/suggest.ts';
import { quote } from '../syntax/text.ts';
import type { ConfigText } from './place.ts';
import { readProxy, readProxyText } from './proxy.ts';
import type { ConfigForm, ConfigWords, ProxyConfig, WayConfig } from './schema.ts';
import { type ConfigSummary, isObject, summarise, toObject, writeWay } from './summary.ts';

/** The proxies on a way in travel order, each with its alternatives. No proxy at all is `direct`. */
export type DraftWay = readonly (readonly DraftHop[])[];

/** One SPEC of a forward. */
export interface NamedSpec {
  readonly text: string;
  /** Its position: `config.yaml:4:5`, and the keys that lead there. */
  readonly place: string;
  readonly path: Path;
  /** The way of its forward, if that has its own. */
  readonly way?: NamedWay;
}

/** A way that the file gives to some targets, or to all. */
export interface NamedWay {
  /** What names it: `match *.corp:22`. */
  readonly name: string;
  /** Its position: `config.yaml:4:5`. */
  readonly place: string;
  /** The proxies as they are written, in one line without secrets. */
  readonly written: string;
  /** Reads its proxies. @throws {TunlError} usage, with the position */
  readonly read: (fallbacks: HopFallbacks) => DraftWay;
}

/** An entry of `match`. */
export interface Match extends NamedWay {
  readonly pattern: string;
  readonly covers: (target: TcpAddress) => boolean;
}

/** The parts of the program that the configuration uses. */
export interface ConfigParts {
  readonly env: Surroundings['env'];
  readonly schemes: readonly KnownScheme[];
  readonly form: ConfigForm;
  /** Reads a pattern of targets. @throws {TunlError} usage */
  readonly parsePattern: (text: string) => (target: TcpAddress) => boolean;
}

/**
 * The configuration of a user, for one command line. What it names is read when it is used, once, with the settings of
 * that command line; errors have the position in the file.
 */
export class Config {
  readonly path: string;
  /** The ways of `match`, in the order of the file. */
  readonly matches: readonly Match[];
  readonly #source: Source;
  readonly #words: ConfigWords;
  readonly #parts: ConfigParts;
  readonly #located = new WeakSet<TunlError>();
  readonly #named = new Map<string, DraftWay>();

  /** @throws {TunlError} usage, with file, line and column, if the form of the file is wrong */
  constructor({ path, text }: ConfigText, parts: ConfigParts) {
    this.path = path;
    this.#parts = parts;
    this.#source = new Source(text, path);
    const checked = parts.form.check(this.#source.value);
    if ('issues' in checked) throw this.#source.fail(explainIssues(checked.issues.slice(0, maxExplained), parts.form));
    this.#words = checked.words;
    const { match = {} } = checked.words;
    this.matches = Object.entries(match).map(([pattern, words]) => {
      const path = ['match', pattern];
      const covers = this.#at(path, () => parts.parsePattern(pattern), true);
      return { ...this.#nameWay(`match ${pattern}`, path, words), pattern, covers };
    });
  }

  /**
   * Reads everything that the file names, secrets included, and runs no command.
   * @throws {TunlError} usage, with the first error of each entry
   */
  check(fallbacks: HopFallbacks, parseSpec: (text: string) => unknown): void {
    const failures = new Map<string, TunlError>();
    const attempt = (read: () => void) => {
      try {
        read();
      } catch (error) {
        if (!(error instanceof TunlError)) throw error;
        failures.set(error.message, error);
      }
    };
    const { proxies = {}, forwards = {} } = this.#words;
    for (const name of Object.keys(proxies)) attempt(() => this.#readNamed(name, fallbacks, []));
    for (const name of Object.keys(forwards)) {
      for (const { text, path, way } of this.listSpecs(name)) {
        attempt(() => this.#at(path, () => parseSpec(text)));
        attempt(() => way?.read(fallbacks));
      }
    }
    for (const way of [...this.matches, ...(this.fallback ? [this.fallback] : [])]) attempt(() => way.read(fallbacks));
    const [first, ...others] = failures.values();
    if (first) throw first.withHints(...others.slice(0, maxAlso).map(({ message }) => `also ${message}`));
  }

  /** Tells what the file names, without secrets. */
  describe(): ConfigSummary {
    return summarise(this.path, this.#words);
  }

  /** The way to targets for which nothing else names one. */
  get fallback(): NamedWay | undefined {
    const { proxy } = this.#words.defaults ?? {};
    return proxy === undefined ? undefined : this.#nameWay('defaults', ['defaults', 'proxy'], proxy);
  }

  /** The names of the proxies. */
  get proxies(): readonly string[] {
    return Object.keys(this.#words.proxies ?? {});
  }

  /** The names of the forwards. */
  get forwards(): readonly string[] {
    return Object.keys(this.#words.forwards ?? {});
  }

  /**
   * Reads one value of `-x`: a URL, `@NAME`, or alternatives.
   * @param fallbacks the source of URLs, and the settings of the hops that have none of their own
   * @throws {TunlError} usage
   */
  readText(text: string, fallbacks: HopFallbacks): DraftWay {
    return this.#join(splitAlternatives(text, fallbacks.source), fallbacks, {
      parse: (url) => parseHop(url, fallbacks, this.#parts.schemes),
      stack: [],
    });
  }

  /**
   * Lists the SPECs of a forward.
   * @throws {TunlError} usage, if there is no such forward
   */
  listSpecs(name: string): NamedSpec[] {
    const words = this.#words.forwards?.[name];
    if (words === undefined) throw this.#unknown('forward', name, this.forwards);
    const path: Path = ['forwards', name];
    const { spec, proxy } = toObject(words);
    const at: Path = isObject(words) ? [...path, 'spec'] : path;
    const way = proxy === undefined ? undefined : this.#nameWay(`forward @${name}`, [...path, 'proxy'], proxy);
    return [spec].flat().map((text, index) => {
      const own: Path = Array.isArray(spec) ? [...at, index] : at;
      return { text, path: own, place: this.#source.placeOf(own), ...(way && { way }) };
    });
  }

  #nameWay(name: string, path: Path, words: WayConfig): NamedWay {
    return {
      name,
      place: this.#source.placeOf(path),
      written: writeWay(words),
      read: (fallbacks) => this.#readWay(path, words, { fallbacks, stack: [], label: name }),
    };
  }

  /** Gives an error the position of a part of the file, unless it has one. */
  readonly #at = <T>(path: Path, read: () => T, atKey = false): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof TunlError) || this.#located.has(error)) throw error;
      const { message, facts } = error;
      const located = this.#source.fail([{ path, message, atKey, ...(facts.hints && { hints: facts.hints }) }]);
      this.#located.add(located);
      throw located;
    }
  };

  #readWay(path: Path, words: WayConfig, reading: Reading): DraftWay {
    if (words === 'direct') return [];
    if (!isList(words)) return this.#readPlace(path, words, reading);
    return words.flatMap((word, index) => this.#readPlace([...path, index], word, reading));
  }

  #readPlace(path: Path, words: string | ProxyConfig, { fallbacks, stack, label }: Reading): DraftWay {
    const reader = {
      env: this.#parts.env,
      folder: dirname(this.path),
      schemes: this.#parts.schemes,
      sources: new Map(),
      fallbacks: { ...toAbsolute(fallbacks), source: label, takesCommand: true },
      settings: this.#parts.form.settings,
      at: this.#at,
    };
    if (typeof words === 'object') return [readProxy(path, words, reader)];
    const joining = { parse: (url: string) => readProxyText(url, reader), stack };
    return this.#at(path, () => this.#join(splitAlternatives(words, label), fallbacks, joining));
  }

  /** Joins the alternatives of one place; a name alone may stand for several places. */
  #join(texts: readonly string[], fallbacks: HopFallbacks, { parse, stack }: Joining): DraftWay {
    const [first = ''] = texts;
    if (texts.length === 1 && first.startsWith('@')) return this.#readNamed(first.slice(1), fallbacks, stack);
    const hops = texts.flatMap((text) => {
      if (!text.startsWith('@')) return [parse(text)];
      const way = this.#readNamed(text.slice(1), fallbacks, stack);
      const [only, ...more] = way;
      if (only && more.length === 0) return only;
      const what = way.length === 0 ? 'no proxy' : `${way.length} proxies in a row`;
      throw usageError(`${text} stands for ${what}, so it cannot be an alternative beside |`);
    });
    return [hops];
  }

  #readNamed(name: string, fallbacks: HopFallbacks, stack: readonly string[]): DraftWay {
    const words = this.#words.proxies?.[name];
    if (words === undefined) throw this.#unknown('proxy', name, this.proxies);
    if (stack.includes(name)) {
      const loop = [...stack.slice(stack.indexOf(name)), name].map((each) => `@${each}`);
      throw usageError(`${loop.join(' → ')} form a loop`);
    }
    // A proxy on several ways is one proxy, whose password is found once.
    const known = this.#named.get(name);
    if (known) return known;
    const reading = { fallbacks, stack: [...stack, name], label: `@${name}` };
    const way = this.#readWay(['proxies', name], words, reading);
    this.#named.set(name, way);
    return way;
  }

  #unknown(what: 'proxy' | 'forward', name: string, known: readonly string[]): TunlError {
    const near = suggest(name, known);
    const section = what === 'proxy' ? 'proxies' : 'forwards';
    if (near !== undefined) return usageError(`there is no ${what} ${quote(name)}`, `did you mean @${near}?`);
    return usageError(
      `there is no ${what} ${quote(name)}`,
      known.length === 0
        ? `write ${section}: { ${name}: … } into ${this.path}`
        : `${this.path} has ${known.map((each) => `@${each}`).join(', ')}`,
    );
  }
}

/** The maximum number of further errors in one message. */
const maxAlso = 4;

/** The maximum number of issues that are explained, of which an error reports the first few. */
const maxExplained = 200;

interface Reading {
  readonly fallbacks: HopFallbacks;
  /** The names that lead here. */
  readonly stack: readonly string[];
  /** The name that messages begin with. */
  readonly label: string;
}

interface Joining {
  readonly parse: (url: string) => DraftHop;
  readonly stack: readonly string[];
}

/** Makes the files of flags independent of the folder of the configuration. */
function toAbsolute({ tls, ...others }: HopFallbacks): HopFallbacks {
  const files = ['cacert', 'cert', 'key', 'key-password-file'] as const;
  const given = files.flatMap((name) => (typeof tls[name] === 'string' ? [[name, resolve(tls[name])]] : []));
  return { ...others, tls: { ...tls, ...Object.fromEntries(given) } };
}

function isList<T>(words: T | readonly T[]): words is readonly T[] {
  return Array.isArray(words);
}
