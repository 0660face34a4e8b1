import { formatPlace, type HeaderField, type Hop } from '../core/hop.ts';
import { TunlError } from '../core/errors.ts';
import { findFirstScheme, learn, recall } from './knowledge.ts';
import { type Challenge, ofScheme, parseChallenges } from './model/challenge.ts';
import type { AuthFields } from './model/fields.ts';
import {
  type Attempt,
  type AuthRequest,
  type HopLogin,
  noPassword,
  noToken,
  type Scheme,
  type Step,
} from './model/scheme.ts';
import { schemes } from './schemes/all.ts';
import { listAllowed } from './allowed.ts';

/** The most credentials that one attempt sends. */
const maxRounds = 3;

/** The most times that one request is asked who we are, whatever the schemes are. */
const maxAnswers = 12;

/** How often an attempt is begun anew on another connection. */
const maxRestarts = 2;

/** The connection for the next request, as a negotiation sees it. */
export interface AuthConnection {
  /** False if the last answer ended the connection: the next request needs another. */
  readonly isKept: boolean;
  /**
   * Waits for a connection that takes the next request, and makes one if the last is not kept. Returns the certificate
   * that the hop has shown there, in DER.
   */
  ready(): Promise<Uint8Array | undefined>;
}

/** The request that is to be authenticated. */
export interface NegotiationTerms extends Pick<AuthRequest, 'method' | 'target' | 'signal'> {
  readonly hop: Hop;
  /** How the hop asks: as a proxy, or as an origin server. */
  readonly asks: AuthFields;
  /**
   * What is done where the hop wants a scheme that is bound to a connection: `use` it, or ask in `older` HTTP, or
   * `skip` it because the user wants HTTP/2.
   */
  readonly bound: 'use' | 'older' | 'skip';
}

/** What follows from an answer that asks who we are. */
export type Verdict =
  /** Send the request with these fields. */
  | { readonly kind: 'send'; readonly fields: readonly HeaderField[] }
  /** The hop must be asked in HTTP/1.1. */
  | { readonly kind: 'older'; readonly title: string }
  /** There is nothing more to send. The hints name what was tried, and why it ended. */
  | { readonly kind: 'stop'; readonly isRefused: boolean; readonly hints: readonly string[] };

/** An attempt that is under way. */
interface Current {
  readonly scheme: Scheme;
  readonly login: HopLogin;
  attempt: Attempt;
  rounds: number;
  restarts: number;
  sent: readonly HeaderField[];
}

/** Logins by hop and scheme: many tunnels share what a scheme keeps, such as a nonce. */
const logins = new WeakMap<Hop, Map<Scheme, Promise<HopLogin>>>();

function findLogin(hop: Hop, scheme: Scheme): Promise<HopLogin> {
  const ofHop = logins.get(hop) ?? new Map<Scheme, Promise<HopLogin>>();
  logins.set(hop, ofHop);
  const login = ofHop.get(scheme) ?? scheme.open(hop);
  ofHop.set(scheme, login);
  return login;
}

/** Finds the scheme of the credentials in fields that were sent. */
function findSentScheme(sent: readonly HeaderField[]): Scheme | undefined {
  const title = sent[0]?.[1].split(' ', 1)[0]?.toLowerCase();
  return schemes.find(({ name }) => name === title);
}

/**
 * Authenticates one request at one hop: it chooses the scheme, and says what to send whenever the hop asks. The state of a
 * request is here; that of a hop is in its logins, and in `knowledge`.
 */
export class Negotiation {
  readonly #terms: NegotiationTerms;
  /** Schemes that are not tried again, with the reasons. */
  readonly #given = new Map<Scheme, readonly string[]>();
  readonly #sent: HeaderField[] = [];
  #current: Current | undefined;
  #answers = 0;

  constructor(terms: NegotiationTerms) {
    this.#terms = terms;
  }

  /** The scheme whose credentials were sent last. */
  get scheme(): Pick<Scheme, 'title' | 'binding'> | undefined {
    return this.#current?.scheme;
  }

  /** The number of credentials that its scheme has sent. */
  get rounds(): number {
    return this.#current?.rounds ?? 0;
  }

  /** All fields that were sent: a proxy may repeat them in its answer, and messages must not. */
  get sent(): readonly HeaderField[] {
    return this.#sent;
  }

  /** Why the schemes that were tried are tried no more. */
  get reasons(): readonly string[] {
    return [...this.#given.values()].flat();
  }

  /**
   * Returns the fields for the first request.
   * @param sent the fields that went with it, if it was sent: other tunnels may have taught us a scheme since
   */
  async begin(certificate: Uint8Array | undefined, sent?: readonly HeaderField[]): Promise<readonly HeaderField[]> {
    const scheme = sent ? findSentScheme(sent) : findFirstScheme(this.#terms.hop);
    if (!scheme || (scheme.binding === 'connection' && this.#terms.bound !== 'use')) return [];
    const current = await this.#open(scheme, certificate);
    return this.#read(await current.attempt.start()) ?? [];
  }

  /** Answers the values of the field that asks. */
  async answer(values: readonly string[], connection: AuthConnection): Promise<Verdict> {
    const { hop } = this.#terms;
    const challenges = parseChallenges(values);
    const current = this.#current;
    if (!current && !connection.isKept) learn(hop, { closes: true });
    if (++this.#answers > maxAnswers) return this.#stop(challenges, ['it asks for credentials without end']);
    if (!current) return this.#choose(challenges, connection);
    const step = await this.#limit(current, () => current.attempt.answer(ofScheme(challenges, current.scheme)));
    if (step.kind === 'refused') {
      this.#drop([]);
      return this.#stop(challenges, describeRefusal(current.scheme, step), true);
    }
    if (step.kind === 'unable') {
      this.#drop(describe(current.scheme, step));
      return this.#choose(challenges, connection);
    }
    // Credentials of one connection mean nothing on another.
    if (current.scheme.binding === 'connection' && !connection.isKept) {
      const fields = await this.again(connection);
      return fields ? { kind: 'send', fields } : this.#choose(challenges, connection);
    }
    await connection.ready();
    return { kind: 'send', fields: this.#send(current, step.credentials) };
  }

  /** Begins the attempt anew, after its connection was closed; undefined if that is of no use. */
  async again(connection: AuthConnection): Promise<readonly HeaderField[] | undefined> {
    const certificate = await connection.ready();
    const current = this.#current;
    if (!current) return undefined;
    if (++current.restarts > maxRestarts) {
      this.#drop([`${current.scheme.title}: it closes the connection in the middle of it`]);
      return undefined;
    }
    current.attempt.close?.();
    current.attempt = current.login.begin(this.#toRequest(certificate));
    current.rounds = 0;
    const step = await current.attempt.start();
    return step ? this.#read(step) : current.sent;
  }

  /**
   * Reads the answer that accepted the request.
   * @throws {TunlError} auth_required, if the hop failed to prove that it is who it should be
   */
  async confirm(headers: readonly HeaderField[]): Promise<void> {
    if (!this.#current) return;
    const { hop, asks } = this.#terms;
    const { scheme, attempt } = this.#current;
    const find = (name: string) => headers.filter(([field]) => field === name).map(([, value]) => value);
    const [challenge] = ofScheme(parseChallenges(find(asks.challenge)), scheme);
    const [info] = find(asks.info);
    const fault = await attempt.confirm?.({ ...(challenge && { challenge }), ...(info !== undefined && { info }) });
    if (fault === undefined) return learn(hop, { scheme: scheme.name });
    const facts = { side: 'hop', phase: 'handshake' } as const;
    throw new TunlError('auth_required', `${formatPlace(hop.address)} ${fault} (${scheme.title})`, facts);
  }

  /** Ends what the attempt has started. Idempotent. */
  close(): void {
    this.#current?.attempt.close?.();
    this.#current = undefined;
  }

  async #choose(challenges: readonly Challenge[], connection: AuthConnection): Promise<Verdict> {
    const { hop, bound } = this.#terms;
    for (const scheme of listAllowed(hop)) {
      const offered = ofScheme(challenges, scheme);
      if (offered.length === 0 || this.#given.has(scheme)) continue;
      const obstacle = scheme.obstacle(hop);
      if (obstacle !== undefined) {
        // What the user did not give is told once, not for each scheme.
        this.#given.set(
          scheme,
          obstacle === noPassword || obstacle === noToken ? [] : [`${scheme.title}: ${obstacle}`],
        );
        continue;
      }
      if (scheme.binding === 'connection' && bound !== 'use') {
        if (bound === 'older') return { kind: 'older', title: scheme.title };
        this.#given.set(scheme, [`${scheme.title}: it needs HTTP/1.1; write https:// or http://`]);
        continue;
      }
      const current = await this.#open(scheme, await connection.ready());
      const step = await this.#limit(current, () => current.attempt.answer(offered));
      if (step.kind === 'send') {
        learnRealm(hop, offered);
        return { kind: 'send', fields: this.#send(current, step.credentials) };
      }
      this.#drop(describe(scheme, step));
      if (step.kind === 'refused') return this.#stop(challenges, describeRefusal(scheme, step), true);
    }
    return this.#stop(challenges, []);
  }

  async #open(scheme: Scheme, certificate: Uint8Array | undefined): Promise<Current> {
    const login = await findLogin(this.#terms.hop, scheme);
    const attempt = login.begin(this.#toRequest(certificate));
    this.#current = { scheme, login, attempt, rounds: 0, restarts: 0, sent: [] };
    return this.#current;
  }

  #toRequest(certificate: Uint8Array | undefined): AuthRequest {
    const { method, target, signal } = this.#terms;
    return { method, target, signal, ...(certificate && { certificate }) };
  }

  /** Counts the rounds: some proxies answer the last message with the challenge of the first, for ever. */
  #limit({ rounds }: Current, next: () => Promise<Step>): Promise<Step> {
    if (rounds < maxRounds) return next();
    return Promise.resolve({ kind: 'unable', reason: `it still asks after ${maxRounds} rounds` });
  }

  /** Takes the step that begins an attempt. */
  #read(step: Step | undefined): readonly HeaderField[] | undefined {
    const current = this.#current;
    if (current && step?.kind === 'send') return this.#send(current, step.credentials);
    if (current && step && step.kind !== 'send') this.#drop(describe(current.scheme, step));
    else this.#current = undefined;
    return undefined;
  }

  #send(current: Current, credentials: string): readonly HeaderField[] {
    current.rounds++;
    const { asks } = this.#terms;
    const field: HeaderField = [asks.credentials, credentials];
    current.sent = current.scheme.binding === 'connection' ? [field, ...asks.keeping] : [field];
    this.#sent.push(field);
    return current.sent;
  }

  #drop(reasons: readonly string[]): void {
    if (!this.#current) return;
    const { scheme } = this.#current;
    this.#given.set(scheme, reasons);
    if (recall(this.#terms.hop).scheme === scheme.name) learn(this.#terms.hop, { scheme: undefined });
    this.close();
  }

  #stop(challenges: readonly Challenge[], reasons: readonly string[], isRefused = false): Verdict {
    this.close();
    const allowed = listAllowed(this.#terms.hop);
    const offered = (scheme: Scheme) => ofScheme(challenges, scheme).length > 0;
    const others = schemes.filter((scheme) => offered(scheme) && !allowed.includes(scheme)).map(({ title }) => title);
    const hints = isRefused ? reasons : [...this.reasons, ...reasons];
    return {
      kind: 'stop',
      isRefused,
      hints: [...hints, ...(others.length === 0 ? [] : [`auth does not allow ${others.join(', ')}`])],
    };
  }
}

function describe({ title }: Scheme, { reason, hints = [] }: Exclude<Step, { kind: 'send' }>): string[] {
  return [`${title}: ${reason}`, ...hints];
}

function describeRefusal({ name, title }: Scheme, { reason, hints = [] }: Exclude<Step, { kind: 'send' }>): string[] {
  return [name === 'basic' ? reason : `${reason} by ${title}`, ...hints];
}

function learnRealm(hop: Hop, [challenge]: readonly Challenge[]): void {
  const realm = challenge?.params.get('realm');
  if (realm !== undefined) learn(hop, { realm });
}
