import { formatHostPort, type TcpAddress } from '../../core/address.ts';
import { throwIfAborted } from '../../core/deadline.ts';
import { messageOf, TunlError } from '../../core/errors.ts';
import { unlessAborted } from '../../core/waiting.ts';
import { createEngine, type Engine, EngineError } from './engine.ts';
import { pacFunctions, type PacWorld } from './functions.ts';
import type { PacValue } from './time-ranges.ts';

/** Finds what a PAC file asks about. A promise that is rejected means that a name does not resolve. */
export interface ScriptNames {
  readonly resolve: (host: string, signal: AbortSignal) => Promise<readonly string[]>;
  readonly ownAddresses: (signal: AbortSignal) => Promise<readonly string[]>;
}

/** The limits of one decision. */
export interface ScriptLimits {
  /** The time of the processor for one pass, and for all passes, in milliseconds. */
  readonly passMs: number;
  readonly allPassesMs: number;
  readonly memoryBytes: number;
  /** The most passes after the first, and the most names that are looked up. */
  readonly restarts: number;
  readonly names: number;
  /** The time for all lookups, in milliseconds; after it names count as names that do not resolve. */
  readonly lookupMs: number;
}

const usualLimits: ScriptLimits = {
  passMs: 200,
  allPassesMs: 1000,
  memoryBytes: 32 * 1024 * 1024,
  restarts: 20,
  names: 64,
  lookupMs: 5000,
};

/** The time for which a file that went beyond a limit is not run again, in milliseconds. */
const restMs = 60_000;

/** The time for which an answer of a name server is remembered, and a failure, in milliseconds; and the most of them. */
const [answerMs, failureMs, maxAnswers] = [60_000, 10_000, 256];

/** The most calls that are kept, and the most characters of an argument. */
const [maxCalls, maxText] = [200, 200];

/** The question for the addresses of this machine, which no name can be. */
const ownQuestion = '';

/** A call of a function by a PAC file, with its result. */
export interface PacCall {
  readonly name: string;
  readonly args: readonly PacValue[];
  readonly result: PacValue;
}

/** The answer of a PAC file for one target. */
export interface PacAnswer {
  /** The result as the file gave it, such as `PROXY a:8080; DIRECT`; empty if it gave none. */
  readonly result: string;
  /** The functions that the last pass called, in order. */
  readonly calls: readonly PacCall[];
  /** How often the file was run: once, and once more for each name that was unknown. */
  readonly passes: number;
  readonly ms: number;
}

/** The circumstances of one decision: its calls, and what it still has to know. */
interface Run {
  readonly calls: PacCall[];
  missing: string | undefined;
}

/**
 * The script of a PAC file, in an engine of its own without access to anything. If it asks for a name that is not known
 * yet, it is stopped and run again with the answer, so that no lookup ever blocks the program.
 */
export class PacScript {
  readonly #text: string;
  readonly #names: ScriptNames;
  readonly #limits: ScriptLimits;
  readonly #now: () => Date;
  readonly #answers = new Map<string, { readonly addresses: readonly string[]; readonly until: number }>();
  #engine: Engine | undefined;
  #run: Run = { calls: [], missing: undefined };
  #turn: Promise<unknown> = Promise.resolve();
  #broken: { readonly error: TunlError; readonly until: number } | undefined;

  /**
   * Makes a script, which is not run before it is asked.
   * @param now the clock of functions such as `weekdayRange`
   */
  constructor(
    text: string,
    names: ScriptNames,
    limits: Partial<ScriptLimits> = {},
    now: () => Date = () => new Date(),
  ) {
    this.#text = text;
    this.#names = names;
    this.#limits = { ...usualLimits, ...limits };
    this.#now = now;
  }

  /**
   * Checks that the text is a PAC file: that it can be run, and has the function that decides.
   * @throws {TunlError} proxy_configuration_error
   */
  async check(signal: AbortSignal): Promise<void> {
    await this.#inTurn(() => this.#repeat((engine) => engine.assertDecides(), signal));
  }

  /**
   * Asks the file for the way to a target, as browsers do for `https://HOST:PORT/`; the port is left out if it is 443.
   * @throws {TunlError} proxy_configuration_error, if it fails or goes beyond a limit; the signal's reason
   */
  async decide({ host, port }: TcpAddress, signal: AbortSignal): Promise<PacAnswer> {
    const url = `https://${formatHostPort(host, port, 443)}/`;
    return this.#inTurn(async () => {
      const started = performance.now();
      const { value, passes } = await this.#repeat((engine) => engine.decide(url, host), signal);
      return { result: readResult(value), calls: this.#run.calls, passes, ms: performance.now() - started };
    });
  }

  /** Frees the memory of the engine. */
  close(): void {
    this.#engine?.close();
    this.#engine = undefined;
  }

  /** One decision after the other, because they share the engine. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #repeat<T>(
    work: (engine: Engine) => T,
    signal: AbortSignal,
  ): Promise<{ readonly value: T; readonly passes: number }> {
    const { restarts, names, allPassesMs, lookupMs } = this.#limits;
    if (this.#broken && Date.now() < this.#broken.until) throw this.#broken.error;
    const asked = new Set<string>();
    const lookupsEnd = Date.now() + lookupMs;
    let spentMs = 0;
    for (let pass = 0; ; pass++) {
      throwIfAborted(signal);
      const run: Run = { calls: [], missing: undefined };
      this.#run = run;
      const outcome = await this.#pass(work);
      spentMs += outcome.ms;
      if (run.missing === undefined) {
        if ('error' in outcome) throw this.#fail(outcome.error);
        return { value: outcome.value, passes: pass + 1 };
      }
      if (pass >= restarts) throw this.#break(`it asked for further names ${restarts} times`);
      if (asked.add(run.missing).size > names) throw this.#break(`it asked for more than ${names} names`);
      if (spentMs > allPassesMs) throw this.#break(`it took more than ${allPassesMs} ms`);
      await this.#lookUp(run.missing, Math.max(0, lookupsEnd - Date.now()), signal);
    }
  }

  /** Runs the script once, in the engine that is there or in a new one. */
  async #pass<T>(
    work: (engine: Engine) => T,
  ): Promise<{ readonly ms: number } & ({ readonly value: T } | { readonly error: unknown })> {
    const engine = this.#engine ?? (await this.#makeEngine());
    const began = process.cpuUsage();
    const elapsed = () => {
      const { user, system } = process.cpuUsage(began);
      return { ms: (user + system) / 1000 };
    };
    try {
      if (engine !== this.#engine) {
        engine.load(this.#text);
        this.#engine = engine;
      }
      return { value: work(engine), ...elapsed() };
    } catch (error) {
      if (engine !== this.#engine) engine.close();
      return { error, ...elapsed() };
    }
  }

  #makeEngine(): Promise<Engine> {
    const { passMs, memoryBytes } = this.#limits;
    const world: PacWorld = {
      addressesOf: (host) => this.#answer(host.toLowerCase()),
      ownAddresses: () => this.#answer(ownQuestion),
      now: this.#now,
    };
    const functions = Object.entries(pacFunctions).map(([name, act]) => {
      const traced = (args: readonly PacValue[]): PacValue => {
        const result = act(world, args);
        const { calls } = this.#run;
        if (calls.length < maxCalls) calls.push({ name, args: args.map(shorten), result: shorten(result) });
        return result;
      };
      return [name, traced] as const;
    });
    return createEngine({
      functions: new Map(functions),
      passMs,
      memoryBytes,
      isStopped: () => this.#run.missing !== undefined,
    });
  }

  #answer(question: string): readonly string[] {
    const known = this.#answers.get(question);
    if (known && Date.now() < known.until) return known.addresses;
    this.#run.missing ??= question;
    throw new Error('not known yet');
  }

  async #lookUp(question: string, ms: number, signal: AbortSignal): Promise<void> {
    const { resolve, ownAddresses } = this.#names;
    const ending = new AbortController();
    const end = () => ending.abort();
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    try {
      const work = question === ownQuestion ? ownAddresses(ending.signal) : resolve(question, ending.signal);
      const addresses = await unlessAborted(work, ending.signal).catch(() => []);
      throwIfAborted(signal);
      const lastsMs = addresses.length > 0 ? answerMs : failureMs;
      this.#answers.delete(question);
      this.#answers.set(question, { addresses, until: Date.now() + lastsMs });
      const [oldest] = this.#answers.keys();
      if (oldest !== undefined && this.#answers.size > maxAnswers) this.#answers.delete(oldest);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      end();
    }
  }

  #fail(error: unknown): TunlError {
    const failure = toFailure(error);
    // What a file that went beyond a limit has left behind is not worth keeping.
    if (error instanceof EngineError && error.kind === 'limit') return this.#break(error.message);
    return failure;
  }

  #break(why: string): TunlError {
    this.close();
    const error = configurationError(`the PAC file was stopped: ${why}`);
    this.#broken = { error, until: Date.now() + restMs };
    return error;
  }
}

function toFailure(error: unknown): TunlError {
  return configurationError(`the PAC file failed: ${messageOf(error)}`, error);
}

function configurationError(message: string, cause?: unknown): TunlError {
  return new TunlError('proxy_configuration_error', message, { side: 'hop', phase: 'connect', cause });
}

/** Reads the result: null and undefined mean none; anything else but a text is a fault of the file. */
function readResult(value: PacValue | object): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  throw configurationError('the PAC file failed: its result is no text');
}

function shorten(value: PacValue): PacValue {
  return typeof value === 'string' && value.length > maxText ? `${value.slice(0, maxText)}...` : value;
}
