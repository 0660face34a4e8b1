import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type Address, formatAddress } from '../../core/address.ts';
import { formatDuration } from '../../core/deadline.ts';
import { commandEnvironment } from '../../core/environment.ts';
import type { EventSink } from '../../core/events.ts';
import type { HookCommands } from './hook-options.ts';
import { setVariables, toPlace } from '../options/placeholders.ts';
import type { Io } from '../terminal/io.ts';

/** The variables that tell a hook what happened; those of an outer tunl are not meant for ours. */
const ownNames = ['EVENT', 'NAME', 'PID', 'LISTEN', 'REASON', 'EXIT_STATUS'] as const;

/** What a hook is told, by the names of its variables. */
type Facts = Partial<Record<(typeof ownNames)[number], string>>;

/** The time that `--on-down` has, and a command that is told to end, in milliseconds. */
const usualLimits = { downMs: 10_000, partingMs: 1000 };

/** How often it is looked whether a command that is told to end has gone, in milliseconds. */
const lookMs = 20;

/** The end of a command that listened. */
export interface Ending {
  readonly status: number;
  /** What ended it, in a phrase; empty if nobody did. */
  readonly reason: string;
}

/** The surroundings of hooks. */
export interface HookOptions {
  readonly io: Pick<Io, 'env' | 'background'>;
  readonly emit: EventSink;
  /** What becomes of the output of the commands: with `--json`, stderr has nothing but JSON. */
  readonly output: 'stderr' | 'none';
  readonly limits?: typeof usualLimits;
}

/** One run of a command. */
interface HookRun {
  readonly child: ChildProcess;
  /** Resolves with what went wrong, if anything did; never rejects. */
  readonly ended: Promise<string | undefined>;
}

/**
 * Runs `--on-up` and `--on-down`: each by `sh -c`, in a process group of its own, without stdin and without our
 * passwords. What they do never changes what tunl does: a failure is a warning.
 */
export class Hooks {
  readonly #commands: HookCommands;
  readonly #options: HookOptions;
  readonly #limits: typeof usualLimits;
  #addresses: readonly Address[] = [];
  #up: HookRun | undefined;
  #isUp = false;

  constructor(commands: HookCommands, options: HookOptions) {
    this.#commands = commands;
    this.#options = options;
    this.#limits = options.limits ?? usualLimits;
  }

  /** Notes the addresses that accept now; those at the end are told to `--on-down`. */
  noteAddresses(addresses: readonly Address[]): void {
    this.#addresses = addresses;
  }

  /** Starts `--on-up`, which runs beside the tunnels. From now on `down` has something to do. */
  async up(): Promise<void> {
    this.#isUp = true;
    const { up } = this.#commands;
    if (up === undefined) return;
    const run = await this.#start('on-up', up, { EVENT: 'up' });
    this.#up = run;
    void run?.ended.then((failure) => {
      if (this.#up !== run) return;
      this.#up = undefined;
      if (failure !== undefined) this.#warn(`--on-up ${failure}`);
    });
  }

  /**
   * Ends an `--on-up` that still runs, then runs `--on-down` and waits for it, within its time or until `cut` is
   * aborted. It does nothing unless `up` was called.
   */
  async down({ status, reason }: Ending, cut: AbortSignal): Promise<void> {
    if (!this.#isUp) return;
    this.#isUp = false;
    const last = this.#up;
    this.#up = undefined;
    if (last) await this.#stop(last);
    const { down } = this.#commands;
    if (down === undefined) return;
    const run = await this.#start('on-down', down, { EVENT: 'down', REASON: reason, EXIT_STATUS: String(status) });
    if (!run) return;
    const late = await this.#awaitWithin(run, this.#limits.downMs, cut);
    if (late === undefined) {
      const failure = await run.ended;
      if (failure !== undefined) this.#warn(`--on-down ${failure}`);
      return;
    }
    this.#warn(`--on-down ${late}`);
    await this.#stop(run);
  }

  async #start(name: string, command: string, facts: Facts): Promise<HookRun | undefined> {
    let log: number | undefined;
    try {
      const { io, output } = this.#options;
      log = output === 'none' ? undefined : await io.background?.openLog();
      const stderr = output === 'none' ? 'ignore' : (log ?? 2);
      const child = spawn('sh', ['-c', command], {
        detached: true,
        env: this.#makeEnv(facts),
        stdio: ['ignore', stderr, stderr],
      });
      // Only `down` waits for it.
      child.unref();
      return { child, ended: awaitEnd(child) };
    } catch (error) {
      this.#warn(`--${name} could not run: ${(error as Error).message}`);
      return undefined;
    } finally {
      if (log !== undefined) closeSync(log);
    }
  }

  #makeEnv(facts: Facts): Record<string, string | undefined> {
    const { io } = this.#options;
    const all: Facts = {
      ...facts,
      PID: String(process.pid),
      LISTEN: this.#addresses.map(formatAddress).join('\n'),
      ...(io.background && { NAME: io.background.name }),
    };
    return {
      ...setVariables(commandEnvironment(io.env), this.#addresses.map(toPlace)),
      ...Object.fromEntries(ownNames.map((name) => [`TUNL_${name}`, all[name]])),
    };
  }

  /** Waits for the end of a command; resolves with why it is waited for no longer, if that comes first. */
  #awaitWithin({ ended }: HookRun, ms: number, cut: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const settle = (why: string | undefined) => {
        clearTimeout(timer);
        cut.removeEventListener('abort', onCut);
        resolve(why);
      };
      const onCut = () => settle('was ended by a signal');
      const timer = setTimeout(() => settle(`was ended, as it took longer than ${formatDuration(ms)}`), ms);
      if (cut.aborted) onCut();
      else cut.addEventListener('abort', onCut, { once: true });
      void ended.then(() => settle(undefined));
    });
  }

  /** Ends a command with what it has started, in two steps. */
  async #stop({ child, ended }: HookRun): Promise<void> {
    child.ref();
    const until = performance.now() + this.#limits.partingMs;
    // What the shell has started may live longer than the shell, and nothing tells of its end.
    for (let lives = signalGroup(child, 'SIGTERM'); lives && performance.now() < until; lives = signalGroup(child, 0))
      await delay(lookMs);
    signalGroup(child, 'SIGKILL');
    await ended;
  }

  #warn(message: string): void {
    this.#options.emit({ event: 'notice', level: 'warning', message });
  }
}

/** Signals a command and what it has started; 0 is no signal. Returns false if all of them have gone. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Waits for the end of a command. Resolves with what went wrong, if anything did. */
function awaitEnd(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(`could not run: ${error.code === 'ENOENT' ? 'sh is in no folder of PATH' : error.message}`),
    );
    child.once('exit', (status, signal) =>
      resolve(status === 0 ? undefined : `ended with ${signal ?? `status ${status}`}`),
    );
  });
}
