import { type ChildProcess, spawn } from 'node:child_process';
import { isIP } from 'node:net';
import { createInterface } from 'node:readline';
import type { Ip } from '../core/address.ts';
import { abortReason, throwIfAborted } from '../core/deadline.ts';

/**
 * Asks the system for the addresses of a name.
 * @throws {Error} with a code as `dns.lookup` has it (`ENOTFOUND`, `EAI_AGAIN`), or the signal's reason
 */
export type SystemLookup = (host: string, family: 4 | 6 | undefined, signal: AbortSignal) => Promise<readonly Ip[]>;

/** How lookups are made. */
export interface SystemLookupOptions {
  /** The script of a helper, for Node. */
  readonly script?: string;
  /** A helper that has had nothing to do for so long is let go. */
  readonly idleMs?: number;
}

/** More would not be quicker: the rest wait for their turn. */
const mostHelpers = 2;

/**
 * Reads a line for each question and writes one for each answer. It ends when we do, without waiting for an answer:
 * the end of a process waits for every getaddrinfo of its own.
 */
const helperScript = `
const { lookup } = require('node:dns');
process.title = 'tunl lookup';
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { host, family } = JSON.parse(line);
  lookup(host, { all: true, verbatim: true, family }, (error, ips) => {
    console.log(JSON.stringify(error ? { code: error.code ?? error.message } : { ips }));
  });
});
`;

/**
 * Makes lookups by the system's getaddrinfo. Nothing can cancel one, and while it runs the process that made it
 * cannot end; so helpers make them, of which there are two at most, and one whose answer nobody waits for is killed.
 */
export function createSystemLookup({ script = helperScript, idleMs = 10_000 }: SystemLookupOptions = {}): SystemLookup {
  const idle: Helper[] = [];
  const waiting: (() => void)[] = [];
  let busy = 0;

  const takeTurn = async (signal: AbortSignal) => {
    throwIfAborted(signal);
    if (busy < mostHelpers) return void busy++;
    await new Promise<void>((resolve, reject) => {
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        waiting.splice(waiting.indexOf(onTurn), 1);
        reject(abortReason(signal));
      };
      waiting.push(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  };
  const endTurn = () => {
    const next = waiting.shift();
    if (next) next();
    else busy--;
  };
  const takeHelper = () => {
    for (let helper = idle.pop(); helper; helper = idle.pop()) if (helper.isAlive) return helper;
    return new Helper(script, idleMs);
  };

  return async (host, family, signal) => {
    await takeTurn(signal);
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

/** One for the whole process: it counts what is under way. */
export const systemLookup: SystemLookup = createSystemLookup();

interface Answer {
  readonly ips?: readonly { readonly address: string }[];
  readonly code?: string;
}

/** A process that makes one lookup at a time. Ours may end while it has none. */
class Helper {
  isAlive = true;
  readonly #child: ChildProcess;
  readonly #idleMs: number;
  #settle: (answer: Answer) => void = () => {};
  #idle: NodeJS.Timeout | undefined;

  constructor(script: string, idleMs: number) {
    this.#idleMs = idleMs;
    this.#child = spawn(process.execPath, ['-e', script], {
      // Out of reach of the keys that end us: a drain may still want names.
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: harmlessEnvironment(),
    });
    const { stdin, stdout } = this.#child;
    const end = ({ code = 'the helper ended' }: NodeJS.ErrnoException) => {
      this.isAlive = false;
      this.#settle({ code });
    };
    this.#child.on('error', end).once('exit', () => end(new Error()));
    stdin?.on('error', () => {});
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#settle(JSON.parse(line) as Answer));
    this.#hold(false);
  }

  async ask(question: { readonly host: string; readonly family: number }, signal: AbortSignal): Promise<readonly Ip[]> {
    clearTimeout(this.#idle);
    this.#hold(true);
    const onAbort = () => this.#kill();
    signal.addEventListener('abort', onAbort, { once: true });
    const { ips = [], code } = await new Promise<Answer>((resolve) => {
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

/** Without our passwords, and without what would make a Node do something else. */
function harmlessEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:TUNL_|NODE_)/.test(name)));
}
