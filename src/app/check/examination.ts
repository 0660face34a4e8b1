import { authName, every } from '../../auth/allowed.ts';
import { isAuthSaid } from '../../auth/knowledge.ts';
import { findScheme } from '../../carriers/index.ts';
import type { HopChoice } from '../../chain/model/graph.ts';
import type { TcpAddress } from '../../core/address.ts';
import type { Dial, DialStep, HopAnswer, Layer } from '../../core/dialer.ts';
import { TunlError, toTunlError } from '../../core/errors.ts';
import type { Hop } from '../../core/hop.ts';
import { type Link, resetError } from '../../core/link.ts';
import type { Scope } from '../../core/scope.ts';
import { isSecretField } from '../../core/secret.ts';
import { createRoute, type Route } from '../stages/route.ts';
import type { CheckOptions } from './options.ts';

/** The most connections that one check makes. */
const maxConnections = 12;

/** The time, in milliseconds, that an answer is waited for. */
const usualPatienceMs = 2000;

/** One dial of the check, and everything that was noticed meanwhile. */
export interface Visit {
  readonly address: TcpAddress;
  readonly steps: readonly DialStep[];
  readonly answers: readonly HopAnswer[];
  /** Sentences about the choice of the way, and doubts about the tunnel. */
  readonly notices: readonly string[];
  readonly doubts: readonly string[];
  /** The tunnel, if it opened; whoever takes it closes it. */
  readonly link?: Link;
  readonly error?: TunlError;
  /** True if it was not dialled because all connections are used up. */
  readonly isSpent: boolean;
}

/** How a silent tunnel was cut. */
export interface Cut {
  readonly afterMs: number;
  /** True if one that carried bytes lived on, false if it was cut as well; undefined if there was none. */
  readonly isOnlySilence: boolean | undefined;
}

/** What the probes have found, for those after them and for the conclusion. */
export interface Findings {
  /** The address to which tunnels open: the target, or another port of its host. */
  open?: TcpAddress;
  /** The time that the first tunnel took to open, in milliseconds, without the way to the hop. */
  openMs?: number;
  /** The ports of the target's host that open. */
  readonly openPorts: number[];
  /** What the target said first, if it speaks first. */
  greeting?: string;
  /** How bytes fare that are no TLS: they pass, only TLS passes, or that cannot be told. */
  bytes?: 'pass' | 'only-tls' | 'unclear' | 'nothing';
  /** True if the target completes a TLS handshake in the tunnel. */
  speaksTls?: boolean;
  halfClose?: 'kept' | 'swallowed';
  /** A silent tunnel was cut. */
  cut?: Cut;
  /** TLS to the target ends at somebody else, or the target has a certificate of its own making. */
  isIntercepted?: true;
  /** The last proxy is a `tunl serve`. */
  isOurs?: boolean;
  /** The place of the first hop that asked for credentials and accepted none, from 0. */
  refusedAt?: number;
}

/** The subject of all probes: the way to the target, with at most twelve connections to spend on it. */
export class Examination {
  readonly options: CheckOptions;
  readonly findings: Findings = { openPorts: [] };
  readonly #scope: Scope;
  readonly #routes = new Map<string, Promise<Route>>();
  readonly #visits = new Map<number, Promise<Visit>>();
  readonly #logins = new Map<number, Promise<Visit>>();
  #connections = 0;

  constructor(options: CheckOptions, scope: Scope) {
    this.options = options;
    this.#scope = scope;
  }

  get signal(): AbortSignal {
    return this.#scope.forced;
  }

  get patienceMs(): number {
    return this.options.patienceMs ?? usualPatienceMs;
  }

  /** The number of connections that were made. */
  get connections(): number {
    return this.#connections;
  }

  /** Asks a hop for what comes after it without telling who we are. The result is kept. */
  visitHop(index: number): Promise<Visit> {
    return this.#once(this.#visits, index, () => this.#dial(this.#addressAfter(index), index + 1, 'anonymous'));
  }

  /** Asks a hop as the user would. The result is kept, so that a password is tried once. */
  loginAt(index: number): Promise<Visit> {
    return this.#once(this.#logins, index, () => this.#dial(this.#addressAfter(index), index + 1, 'user'));
  }

  /** Dials an address through all hops, as the user. */
  dial(address: TcpAddress): Promise<Visit> {
    return this.#dial(address, this.options.hops.length, 'user');
  }

  /** Dials an address through all hops, as the user, for the answer alone: a tunnel that opens is closed at once. */
  async ask(address: TcpAddress): Promise<Omit<Visit, 'link'>> {
    const { link, ...answer } = await this.dial(address);
    link?.reset(resetError('only the answer was wanted'));
    return answer;
  }

  /** Opens a connection to a hop itself, through those before it. */
  dialHop(index: number, address: TcpAddress): Promise<Visit> {
    return this.#dial(address, index, 'user');
  }

  /** The first visit that reached the target, or failed to: anonymous if that was enough. */
  async visitTarget(): Promise<Visit> {
    const last = this.options.hops.length - 1;
    if (last < 0) return this.#once(this.#visits, -1, () => this.dial(this.options.target));
    const visit = await this.visitHop(last);
    return visit.link || !needsLogin(visit, this.options.hops[last]) ? visit : this.loginAt(last);
  }

  /** True if a hop is to be visited as the user too, after it was visited without credentials. */
  async needsLogin(index: number): Promise<boolean> {
    return needsLogin(await this.visitHop(index), this.options.hops[index]);
  }

  /** Closes what is open. */
  async close(): Promise<void> {
    const visits = await Promise.allSettled([...this.#visits.values(), ...this.#logins.values()]);
    for (const visit of visits) {
      if (visit.status === 'fulfilled') visit.value.link?.reset(resetError('the check is over'));
    }
    for (const route of this.#routes.values()) await route.then((made) => made.close()).catch(() => {});
  }

  #once(kept: Map<number, Promise<Visit>>, index: number, make: () => Promise<Visit>): Promise<Visit> {
    const visit = kept.get(index) ?? make();
    kept.set(index, visit);
    return visit;
  }

  /** What a hop is asked for: the next hop, or the target. */
  #addressAfter(index: number): TcpAddress {
    const next = this.options.hops[index + 1]?.[0]?.address;
    return next?.kind === 'tcp' ? next : this.options.target;
  }

  async #dial(address: TcpAddress, count: number, as: 'anonymous' | 'user'): Promise<Visit> {
    const steps: DialStep[] = [];
    const answers: HopAnswer[] = [];
    const notices: string[] = [];
    const doubts: string[] = [];
    const found = { address, steps, answers, notices, doubts };
    if (this.#connections >= maxConnections) return { ...found, isSpent: true };
    try {
      const route = await this.#findRoute(count, as);
      const link = await route.dial(address, {
        signal: this.signal,
        target: address,
        origin: { peer: {} },
        onProgress: (step) => steps.push(step),
        onAnswer: (answer) => answers.push(answer),
        onNotice: (_level, message) => notices.push(message),
        onFailure: ({ message }) => notices.push(message),
        onDoubt: (message) => doubts.push(message),
      });
      return { ...found, link, isSpent: false };
    } catch (thrown) {
      const error = toTunlError(thrown);
      if (error.code === 'internal' || this.signal.aborted) throw error;
      return { ...found, error, isSpent: error.facts.spent === true };
    }
  }

  #findRoute(count: number, as: 'anonymous' | 'user'): Promise<Route> {
    const key = `${count} ${as}`;
    const { hops: all, ...rest } = this.options;
    const hops = all.slice(0, count).map((choice, index) => {
      const isHidden = as === 'anonymous' && index === count - 1;
      return choice.map(isHidden ? withoutCredentials : withEveryScheme);
    });
    const route = this.#routes.get(key) ?? createRoute({ ...rest, hops }, { resolver: 'both', nearest: this.#count });
    this.#routes.set(key, route);
    return route;
  }

  readonly #count: Layer =
    (next: Dial): Dial =>
    (address, ctx) => {
      if (this.#connections >= maxConnections) throw spentError();
      this.#connections++;
      return next(address, ctx);
    };
}

function spentError(): TunlError {
  const message = `${maxConnections} connections were made, and a check makes no more`;
  return new TunlError('connection_limit_reached', message, { spent: true });
}

function needsLogin({ link, answers }: Visit, choice: HopChoice = []): boolean {
  const last = answers.at(-1);
  return !link && last !== undefined && (last.challenges !== undefined || choice.some((hop) => isAuthSaid(hop)));
}

/** A hop that is asked without anything that tells who we are, if it asks for that by itself. */
function withoutCredentials(hop: Hop): Hop {
  if (!hasSchemes(hop)) return hop;
  const { credentials: _none, ...rest } = hop;
  const { findLogin: _nobody, ...chooser } = hop.chooser ?? {};
  return {
    ...rest,
    ...(hop.chooser && { chooser: { ...hop.chooser, ...chooser, findLogin: () => Promise.resolve(undefined) } }),
    headers: hop.headers.filter(([name]) => !isSecretField(name)),
    // Basic cannot be begun without a password, so nothing else is begun either.
    settings: { ...hop.settings, [authName]: 'basic' },
  };
}

/** A hop that is asked as `auto` does where the user names no scheme: nothing is sent before it has asked. */
function withEveryScheme(hop: Hop): Hop {
  const isOpen = hasSchemes(hop) && hop.settings[authName] === undefined && hop.credentials !== undefined;
  return isOpen ? { ...hop, settings: { ...hop.settings, [authName]: every } } : hop;
}

/** True for a hop at which schemes can be chosen. */
function hasSchemes(hop: Hop): boolean {
  const settings = hop.chooser ? [{ name: authName }] : (findScheme(hop.scheme)?.carrier.settings ?? []);
  return settings.some(({ name }) => name === authName);
}
