import { throwIfAborted, within } from '../../core/deadline.ts';
import { formatAddress } from '../../core/address.ts';
import type { CarrierMode } from '../../core/carrier.ts';
import type { Dial, DialContext } from '../../core/dialer.ts';
import { type HopPosition, messageOf, TunlError, usageError } from '../../core/errors.ts';
import { formatHop, type HeaderField, type Hop } from '../../core/hop.ts';
import { type Link, type Resumption, resetError } from '../../core/link.ts';
import { unlessAborted } from '../../core/waiting.ts';
import { raceEach } from '../../dial/race.ts';
import { handshakeLimit, via } from '../../dial/via.ts';
import { assertTunnelled } from '../../http/tunnel/request-fields.ts';
import { type Dialled, openResumable } from '../../resume/near.ts';
import { sessionAddress } from '../../resume/session.ts';
import { parseAlwaysResumed, resumeName } from '../../resume/setting.ts';
import { askWith, attemptContext, isFinalFailure } from '../../resume/again.ts';
import { pickKnown } from '../../syntax/hop.ts';
import { createHopLayer, findHopScheme, type HopLayer, type HopParts } from './hop.ts';
import {
  cutError,
  endsAll,
  failureOfAll,
  isChallenge,
  noSessionError,
  noteFarEnd,
  withoutMode,
} from './mode-failures.ts';

/** The delay, in milliseconds, between the starts of two modes. */
const modeDelayMs = 300;

/** The longest, in milliseconds, that a stream which looks for another transport waits for a mode that did not carry it. */
const otherModeMs = 3000;

/** The reason for which the modes that lose are aborted. */
const outrun = new TunlError('interrupted', 'another mode was faster');

/** A mode that can be dialled. */
interface DialledMode extends CarrierMode {
  readonly dial: Dial;
  /** True if its carrier makes the streams, which outlive their transports by themselves. */
  readonly isOfRequests: boolean;
}

/** What a mode has come to: a session, or a failure that every mode would have. */
type Outcome = OpenedMode | { readonly error: unknown };

/** A session that a mode has opened. */
interface OpenedMode {
  readonly name: string;
  readonly link: Link;
  /** The proxies that were taken at places on the way with a choice. */
  readonly taken: ReadonlyMap<number, string | undefined>;
  /** The parts of the way that outlive their transports. */
  readonly resumptions: readonly Resumption[];
}

/**
 * Makes the layer of a hop whose carrier tries several modes. Each asks the far end for a session, which dials nothing; the
 * first to open one wins, and the target is asked for in it.
 * @throws {TunlError} usage, if the hop cannot be used as it is written
 */
export async function createModesLayer(hop: Hop, place: number, parts: HopParts): Promise<HopLayer> {
  const { carrier } = findHopScheme(hop);
  if (hop.tls.alpn !== undefined) {
    throw usageError(
      `${formatHop(hop)} chooses the version of HTTP itself, and has no alpn`,
      'write h2:// or https://',
    );
  }
  const resume = parseAlwaysResumed(hop);
  const { limits, hops } = parts.options;
  const position = { index: place + 1, count: hops.length };
  const modes = await Promise.all(
    (carrier.modes ?? []).map(async (mode) => ({
      ...mode,
      layer: await createHopLayer(toModeHop(mode, hop), place, parts),
    })),
  );
  const session = via({
    hop: withoutLogin(hop),
    position,
    carrier,
    reachedBy: 'address',
    // The fields that are filled in for a tunnel go with the request for its session.
    sessions: hop.formats ? 'per-tunnel' : parts.sessions,
    tlsMs: limits.tlsMs,
    handshakeMs: limits.handshakeMs,
  });
  const all = [session, ...modes.map(({ layer }) => layer)];
  return {
    layer: (next) => {
      const dialled = modes.map(({ layer, ...mode }) => {
        const isOfRequests = findHopScheme(mode).carrier.isOfRequests === true;
        return { ...mode, dial: layer.layer(next), isOfRequests };
      });
      const terms = { hop, position, handshakeMs: limits.handshakeMs, holdMs: resume?.holdMs ?? 0 };
      const race = new ModeRace(dialled, terms);
      const open = session.layer((_own, ctx) => race.open(ctx));
      return async (address, ctx) => {
        assertTunnelled(address);
        return open(address, ctx);
      };
    },
    renew: () => all.forEach((layer) => layer.renew()),
    reload: async () => {
      await Promise.all(modes.map(({ layer }) => layer.reload()));
    },
    close: async () => {
      await Promise.all(all.map((layer) => layer.close()));
    },
  };
}

/** Makes the hop of a mode, with those settings that its carrier knows. */
function toModeHop({ scheme, alpn }: CarrierMode, { knownMode: _none, ...hop }: Hop): Hop {
  const { carrier } = findHopScheme({ scheme });
  const { [resumeName]: _ofTheSession, ...others } = hop.settings;
  const settings = carrier.isOfRequests ? hop.settings : others;
  return {
    ...hop,
    scheme,
    tls: { ...hop.tls, ...(alpn !== undefined && { alpn }) },
    settings: pickKnown(settings, carrier),
  };
}

/** The same hop for a request over a session: who we are was proved when it was opened. */
function withoutLogin({ credentials: _proved, ...hop }: Hop): Hop {
  return { ...hop, settings: {}, signOn: false };
}

/** The terms on which the modes of a hop are raced. */
interface ModeTerms {
  readonly hop: Hop;
  readonly position: HopPosition;
  readonly handshakeMs: number;
  /** The time, in milliseconds, for which a session looks for another transport; 0 if it does not. */
  readonly holdMs: number;
}

/** Opens sessions with a far end in the mode that works first. */
class ModeRace {
  readonly #modes: readonly DialledMode[];
  readonly #terms: ModeTerms;
  readonly #name: string;
  /** The name of the mode that worked last. */
  #known: string | undefined;

  constructor(modes: readonly DialledMode[], terms: ModeTerms) {
    this.#modes = modes;
    this.#terms = terms;
    this.#name = formatAddress(terms.hop.address);
    this.#known = terms.hop.knownMode?.name;
  }

  /** Opens a session. @throws {TunlError} that names the failure of each mode, or the one that all would have */
  async open(ctx: DialContext): Promise<Link> {
    throwIfAborted(ctx.signal);
    const modes = this.#startingWith(this.#known);
    const won = await this.#race(modes, ctx).catch((error: unknown) => {
      throw withoutMode(error, this.#terms.position);
    });
    const { name, link, taken, resumptions } = won;
    // What was noted of the way counts for the winner only.
    for (const [at, hop] of taken) ctx.onHop?.(at, hop);
    for (const resumption of resumptions) ctx.onResumable?.(resumption);
    if (name !== this.#known) this.#terms.hop.knownMode?.keep(name);
    this.#known = name;
    return link;
  }

  async #race(modes: readonly DialledMode[], ctx: DialContext): Promise<OpenedMode> {
    const won = await raceEach(modes, (mode, signal) => this.#attempt(mode, mode === modes[0], { ...ctx, signal }), {
      delayMs: modeDelayMs,
      signal: ctx.signal,
      outrun,
      discard: (outcome: Outcome) => 'link' in outcome && outcome.link.reset(resetError(outrun.message)),
      choose: (failures) =>
        failureOfAll(
          this.#name,
          modes.map(({ name }, index) => ({ mode: name, error: failures[index] })),
        ),
    });
    if ('error' in won) throw won.error;
    return won;
  }

  /** Lists the modes in their order, but with this one first. */
  #startingWith(first: string | undefined): readonly DialledMode[] {
    return [...this.#modes.filter(({ name }) => name === first), ...this.#modes.filter(({ name }) => name !== first)];
  }

  /**
   * Opens a session in one mode. The first mode sends the password, if there is one. The others find out first whether it
   * is asked for, because only one request at a time may try a password.
   * @throws what another mode may not have
   */
  async #attempt(mode: DialledMode, isFirst: boolean, ctx: DialContext): Promise<Outcome> {
    const { hop, position } = this.#terms;
    const began = performance.now();
    const taken = new Map<number, string | undefined>();
    const resumptions: Resumption[] = [];
    const own: DialContext = {
      ...ctx,
      onHop: (place, name) => void taken.set(place, name),
      onResumable: (resumption) => void resumptions.push(resumption),
    };
    const say = (what: string) => ctx.onNotice?.('verbose', `${formatHop(hop)}: ${mode.name}: ${what}`);
    try {
      const link = await (hop.credentials && !isFirst
        ? this.#open(mode, { ...own, anonymous: true }).catch((error: unknown) => {
            if (!isChallenge(error, position)) throw error;
            resumptions.length = 0;
            return this.#open(mode, own);
          })
        : this.#open(mode, own));
      say(`works (${Math.round(performance.now() - began)}ms)`);
      return { name: mode.name, link, taken, resumptions };
    } catch (error) {
      if (ctx.signal.aborted) throw error;
      say(messageOf(error));
      if (endsAll(error)) return { error };
      throw error;
    }
  }

  async #open(mode: DialledMode, ctx: DialContext): Promise<Link> {
    if (mode.isOfRequests) return (await this.#ask(mode, undefined, ctx, true)).link;
    const { position, handshakeMs, holdMs } = this.#terms;
    const opened = await openResumable({
      name: this.#name,
      holdMs,
      dial: (field, attempt, signal) =>
        attempt === 0
          ? this.#ask(mode, field, ctx, true)
          : this.#askAgain(mode, field, attempt, attemptContext(ctx, attempt, signal)),
      // An unknown session is one that the far end itself does not know.
      isFinal: (error) => isFinalFailure(error, position.index) && endsAll(error),
    });
    try {
      if (!opened.isKnown) throw noSessionError(this.#name, position);
      const what = `${this.#name} did not answer over the session`;
      await within(handshakeLimit({ handshakeMs }), ctx.signal, what, (signal) =>
        unlessAborted(opened.reached(), signal),
      );
      if (opened.link.resumption) ctx.onResumable?.(opened.link.resumption);
      return opened.link;
    } catch (error) {
      opened.link.reset(resetError('the session is of no use'));
      throw error instanceof TunlError
        ? error.with({ side: 'hop', hop: position, phase: 'handshake' })
        : cutError(error, this.#name, position);
    }
  }

  /**
   * Asks the far end for a session, or for another transport of one.
   * @param field asks for the stream; undefined for a carrier that does so itself
   */
  async #ask(
    mode: DialledMode,
    field: HeaderField | undefined,
    ctx: DialContext,
    isOpening: boolean,
  ): Promise<Dialled> {
    const asking = askWith(field, ctx, this.#terms.position.index);
    try {
      return { link: await mode.dial(sessionAddress, asking.ctx), answer: asking.answer };
    } catch (error) {
      throw noteFarEnd(error, asking.answer, this.#name, isOpening);
    }
  }

  /** Brings another transport: in the mode that has worked and in the others by turns, since the network may have changed. */
  #askAgain(worked: DialledMode, field: HeaderField, attempt: number, ctx: DialContext): Promise<Dialled> {
    const others = this.#modes.filter((mode) => mode !== worked && !mode.isOfRequests);
    const other = attempt % 2 === 0 ? others[(attempt / 2 - 1) % others.length] : undefined;
    if (!other) return this.#ask(worked, field, ctx, false);
    const limit = { ...handshakeLimit(this.#terms), ms: otherModeMs };
    return within(limit, ctx.signal, `${this.#name} did not answer`, (signal) =>
      this.#ask(other, field, { ...ctx, signal }, false),
    );
  }
}
