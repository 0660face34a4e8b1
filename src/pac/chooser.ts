import { Abort } from '../core/abort.ts';
import { formatAddress, type Ip, type TcpAddress } from '../core/address.ts';
import { findCacheFolder } from '../core/environment.ts';
import { TunlError } from '../core/errors.ts';
import type { Chooser } from '../core/hop.ts';
import { unlessAborted } from '../core/waiting.ts';
import { quote } from '../syntax/text.ts';
import { PacCache } from './file/cache.ts';
import type { FetchEnv } from './file/fetch.ts';
import { nameOf, type Notice, PacFile } from './file/file.ts';
import { findOwnAddresses } from './script/own-addresses.ts';
import { formatWay, type NamedWay, parseResult } from './ways/result.ts';
import { type PacAnswer, PacScript, type ScriptNames } from './script/script.ts';
import { readSystem, systemEnv } from './system/read.ts';
import { type ReadSettings, settingsError, type SettingsEnv } from './system/settings.ts';

/** The times for which the choice for a target and the settings of the system are kept, in milliseconds. */
const [choiceMs, settingsMs] = [30_000, 60_000];

/** The most choices that are kept. */
const maxChoices = 1000;

/** The ways to one target. */
export interface Choice {
  /** In the order in which they are to be tried; at least one. */
  readonly ways: readonly NamedWay[];
  /** The choice and what made it, as a sentence. */
  readonly reason: string;
  /** True if the settings of this machine name the proxies, and no PAC file. */
  readonly isOwn: boolean;
  /** The answer of the PAC file; absent if none was asked. */
  readonly answer?: PacAnswer;
}

/** The parts of this machine that a chooser uses. */
export interface ChooserParts extends FetchEnv {
  readonly resolve: (host: string, signal: AbortSignal) => Promise<readonly Ip[]>;
  /** True to ask for a PAC file even if there is a fresh copy on the disk. */
  readonly isRenewed?: boolean;
  /** Default: those of this machine. */
  readonly system?: SettingsEnv;
}

interface Kept<T> {
  readonly value: T;
  readonly until: number;
}

/** Chooses the ways to each target, by a PAC file or by the settings of the system. */
export class ProxyChooser {
  readonly #chooser: Chooser;
  readonly #parts: ChooserParts;
  readonly #system: SettingsEnv;
  readonly #ended = new Abort();
  readonly #files = new Map<string, PacFile<PacScript>>();
  readonly #choices = new Map<string, Kept<Choice> & { readonly script: PacScript | undefined }>();
  readonly #warned = new Set<string>();
  #settings: Kept<ReadSettings> | undefined;

  constructor(chooser: Chooser, parts: ChooserParts) {
    this.#chooser = chooser;
    this.#parts = parts;
    this.#system = parts.system ?? systemEnv();
  }

  /**
   * Chooses the ways to a target. The same question within half a minute gets the same answer.
   * @throws {TunlError} with `undecided`, if the PAC file cannot be had; proxy_configuration_error, if it or the settings
   * cannot be followed; the signal's reason
   */
  async choose(target: TcpAddress, signal: AbortSignal, notice: Notice): Promise<Choice> {
    return unlessAborted(this.#choose(target, signal, notice), signal);
  }

  /** Reads the PAC file and the settings again at the next use. */
  renew(): void {
    this.#settings = undefined;
    this.#choices.clear();
    for (const file of this.#files.values()) file.renew();
  }

  /** Ends what is still being read. */
  close(): void {
    this.#ended.abort(new TunlError('interrupted', 'the PAC file is not needed any more'));
  }

  async #choose(target: TcpAddress, signal: AbortSignal, notice: Notice): Promise<Choice> {
    const { url } = this.#chooser;
    if (url !== undefined) return this.#askFile(new URL(url), target, signal, notice);
    const { from, settings } = await this.#readSettings();
    const where = formatAddress(target);
    switch (settings.kind) {
      case 'none':
        return { ways: [direct], reason: `${where}: no proxy, as ${from} names none`, isOwn: true };
      case 'pac':
        return this.#askFile(toPacUrl(settings.url, from), target, signal, notice);
      case 'manual': {
        const exception = settings.exceptions.find(target);
        if (exception !== undefined) {
          return { ways: [direct], reason: `${where}: no proxy, as ${from} has ${quote(exception)}`, isOwn: true };
        }
        const names = settings.ways.map(formatWay).join('; ');
        return { ways: settings.ways, reason: `${where}: ${from} names ${names}`, isOwn: true };
      }
    }
  }

  async #readSettings(): Promise<ReadSettings> {
    if (this.#settings && Date.now() < this.#settings.until) return this.#settings.value;
    const value = await readSystem(this.#system);
    this.#settings = { value, until: Date.now() + settingsMs };
    return value;
  }

  async #askFile(url: URL, target: TcpAddress, signal: AbortSignal, notice: Notice): Promise<Choice> {
    const name = nameOf(url);
    if (url.protocol === 'http:' && !this.#warned.has(name)) {
      this.#warned.add(name);
      notice('verbose', `${name} is read without TLS: whoever is on the way can name other proxies`);
    }
    const { script } = await this.#fileOf(url).use(this.#ended.signal, notice);
    const where = formatAddress(target);
    const known = this.#choices.get(where);
    if (known && known.script === script && Date.now() < known.until) return known.value;
    const answer = await script.decide(target, signal);
    const { result } = answer;
    const said = result.trim() === '' ? 'says nothing, which means DIRECT' : `says ${quote(result)}`;
    const value: Choice = { ways: parseResult(result), reason: `${where}: ${name} ${said}`, isOwn: false, answer };
    this.#choices.delete(where);
    this.#choices.set(where, { value, script, until: Date.now() + choiceMs });
    const [oldest] = this.#choices.keys();
    if (oldest !== undefined && this.#choices.size > maxChoices) this.#choices.delete(oldest);
    return value;
  }

  #fileOf(url: URL): PacFile<PacScript> {
    const known = this.#files.get(url.href);
    if (known) return known;
    const file = new PacFile({
      ...this.#parts,
      url,
      cache: new PacCache(findCacheFolder(this.#system.env)),
      prepare: async (text) => {
        const script = new PacScript(text, this.#names);
        await script.check(this.#ended.signal);
        return script;
      },
    });
    this.#files.set(url.href, file);
    return file;
  }

  get #names(): ScriptNames {
    const { resolve } = this.#parts;
    return {
      resolve: async (host, signal) => (await resolve(host, signal)).map(({ address }) => address),
      ownAddresses: (signal) => findOwnAddresses((host) => resolve(host, signal)),
    };
  }
}

const direct: NamedWay = { kind: 'direct' };

function toPacUrl(text: string, from: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && ['http:', 'https:', 'file:'].includes(url.protocol)) return url;
  throw settingsError(`${from} names a PAC file that cannot be read: ${quote(text)}`);
}
