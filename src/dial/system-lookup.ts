import { type ChildProcess, spawn } from 'node:child_process';
import { isIP } from 'node:net';
import { createInterface } from 'node:readline';
import type { Ip } from '../core/address.ts';
import { helperEnvironment } from '../core/environment.ts';
import { abortReason, throwIfAborted } from '../core/deadline.ts';
import { single } from '../core/program.ts';
import { Slots } from '../core/waiting.ts';

/**
 * Asks the system for the addresses of a name.
 * @throws {Error} with a code of `dns.lookup` (`ENOTFOUND`, `EAI_AGAIN`), or the signal's reason
 */
export type SystemLookup = (host: string, family: 4 | 6 | undefined, signal: AbortSignal) => Promise<readonly Ip[]>;

/** Options of lookups by the system. */
export interface SystemLookupOptions {
  /** The arguments with which a helper is started. */
  readonly helperArgs?: readonly string[];
  /** Time after which a helper without work is ended, in milliseconds. */
  readonly idleMs?: number;
}

/** The most helpers that run at a time; further lookups wait for their turn. */
const mostHelpers = 2;

/** The hidden word that begins the command line of a helper of the single executable, which starts itself. */
export const lookupWord = '--lookup';

/**
 * Asks the system for addresses: reads a line for each question from stdin, and writes one for each answer. It kills its
 * process when stdin ends: by itself a process does not end before each getaddrinfo that it has called.
 * Its text is run by `node -e` too, so it uses nothing but what Node gives everywhere.
 */
export function answerLookups(): void {
  const { lookup } = process.getBuiltinModule('node:dns');
  process.title = 'tunl lookup';
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
  const lines = process.getBuiltinModule('node:readline').createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const { host, family } = JSON.parse(line) as { host: string; family: number };
    lookup(host, { all: true, verbatim: true, family }, (error, ips) => {
      process.stdout.write(`${JSON.stringify(error ? { code: error.code ?? error.message } : { ips })}\n`);
    });
  });
}

/**
 * Makes lookups with the system's getaddrinfo. A call cannot be cancelled, and its process cannot end while it runs.
 * So helper processes make the calls, two at most, and a helper is killed if nobody waits for its answer any more.
 */
export function createSystemLookup({
  helperArgs = ownHelperArgs(),
  idleMs = 10_000,
}: SystemLookupOptions = {}): SystemLookup {
  const idle: Helper[] = [];
  const slots = new Slots(mostHelpers);
  const takeHelper = () => {
    for (let helper = idle.pop(); helper; helper = idle.pop()) if (helper.isAlive) return helper;
    return new Helper(helperArgs, idleMs);
  };

  return async (host, family, signal) => {
    const endTurn = await slots.take(signal);
    try {
      throwIfAborted(signal);
      const helper = takeHelper();
      const ips = await helper.ask({ host, family: family ?? 0 }, signal);
      if (helper.isAlive) idle.push(helper);
      return ips;
    } finally {
      endTurn();
    }
  };
}

/** The lookup for the whole process, so that all share the same two helpers. */
export const systemLookup: SystemLookup = createSystemLookup();

/** Node runs the text of the function, so that a helper loads nothing of ours. */
function ownHelperArgs(): readonly string[] {
  return single ? [lookupWord] : ['-e', `(${answerLookups.toString()})()`];
}

interface LookupAnswer {
  readonly ips?: readonly { readonly address: string }[];
  readonly code?: string;
}

/** A process that makes one lookup at a time. An idle one does not keep tunl from ending. */
class Helper {
  isAlive = true;
  readonly #child: ChildProcess;
  readonly #idleMs: number;
  #settle: (answer: LookupAnswer) => void = () => {};
  #idle: NodeJS.Timeout | undefined;

  constructor(args: readonly string[], idleMs: number) {
    this.#idleMs = idleMs;
    this.#child = spawn(process.execPath, args, {
      // Ctrl-C must not reach it: tunl may still need names while it drains.
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: helperEnvironment(process.env),
    });
    const { stdin, stdout } = this.#child;
    const end = ({ code = 'the helper ended' }: NodeJS.ErrnoException) => {
      this.isAlive = false;
      this.#settle({ code });
    };
    this.#child.on('error', end).once('exit', () => end(new Error()));
    stdin?.on('error', () => {});
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#settle(JSON.parse(line) as LookupAnswer));
    this.#hold(false);
  }

  async ask(question: { readonly host: string; readonly family: number }, signal: AbortSignal): Promise<readonly Ip[]> {
    clearTimeout(this.#idle);
    this.#hold(true);
    const onAbort = () => this.#kill();
    signal.addEventListener('abort', onAbort, { once: true });
    const { ips = [], code } = await new Promise<LookupAnswer>((resolve) => {
      this.#settle = resolve;
      this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    });
    signal.removeEventListener('abort', onAbort);
    this.#hold(false);
    if (signal.aborted) throw abortReason(signal);
    this.#idle = setTimeout(() => this.#kill(), this.#idleMs).unref();
    if (code !== undefined) throw Object.assign(new Error(`the system's lookup failed: ${code}`), { code });
    return ips.flatMap(({ address }) => {
      const family = isIP(address);
      return family === 4 || family === 6 ? [{ address, family }] : [];
    });
  }

  #kill(): void {
    this.isAlive = false;
    this.#child.kill('SIGKILL');
    this.#settle({});
  }

  #hold(isHeld: boolean): void {
    const { stdin, stdout } = this.#child as { stdin: unknown; stdout: unknown };
    for (const part of [this.#child, stdin, stdout] as (NodeJS.RefCounted | null | undefined)[]) {
      if (isHeld) part?.ref();
      else part?.unref();
    }
  }
}
