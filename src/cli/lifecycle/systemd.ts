import { spawn } from 'node:child_process';
import { usageError } from '../../core/errors.ts';
import type { CommandContext } from '../parse/command.ts';

/** The shortest watchdog, in microseconds: each sign starts a process. */
const leastWatchdog = 10_000_000;

/** The service manager that has started this process, which is told by `systemd-notify`, as Node has no datagram sockets of Unix. */
export class ServiceManager {
  readonly #context: CommandContext;
  readonly #env: Readonly<Record<string, string | undefined>>;
  #sending: Promise<void> = Promise.resolve();
  #hasFailed = false;

  /** @throws {TunlError} usage, if its watchdog wants signs too often */
  constructor(context: CommandContext) {
    const { NOTIFY_SOCKET, PATH, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = context.io.env;
    this.#context = context;
    this.#env = { NOTIFY_SOCKET, PATH };
    if (!usec || (pid && Number(pid) !== process.pid)) return;
    if (!(Number(usec) >= leastWatchdog))
      throw usageError(
        `the watchdog of systemd wants a sign too often: WATCHDOG_USEC is ${usec}, and each sign starts a process`,
        'write WatchdogSec=10s or more in the unit, or leave it out',
      );
    // A timer runs only while the event loop turns, which is what a watchdog is to know.
    setInterval(() => this.#send('WATCHDOG=1'), Number(usec) / 2000).unref();
  }

  /** Says that everything listens, or that what was read again is in use. */
  ready(): void {
    this.#send('READY=1');
  }

  /** Says that files are being read again; `ready` says that this is over. */
  reloading(): void {
    this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  /** Says that nothing more is accepted. */
  stopping(): void {
    this.#send('STOPPING=1');
  }

  /** Resolves once all is sent, at the latest after a second: the end of tunl is not left to another program. */
  settle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 1000);
      void this.#sending.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Sends one message after the other, as their order counts. */
  #send(...assignments: readonly string[]): void {
    this.#sending = this.#sending.then(() => this.#start(assignments));
  }

  #start(assignments: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      // Without --no-block it stays until the sign is read: systemd finds the unit by the process that sent it.
      const child = spawn('systemd-notify', [...assignments], { env: this.#env, stdio: 'ignore' });
      // Only `settle` waits for it.
      child.unref();
      child.once('error', (error: NodeJS.ErrnoException) => {
        this.#fail(error.code === 'ENOENT' ? 'it is in no folder of PATH' : error.message);
        resolve();
      });
      child.once('exit', (status, signal) => {
        if (status !== 0) this.#fail(`it ended with ${signal ?? `status ${status}`}`);
        resolve();
      });
    });
  }

  #fail(why: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#context.ui.say('verbose', `systemd is not told what tunl does: systemd-notify cannot be used, ${why}`);
  }
}
