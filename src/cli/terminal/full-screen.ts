import process from 'node:process';
import type { Io } from './io.ts';

/** Enters the alternate screen without a cursor, where long lines are cut; and leaves it (xterm's control sequences). */
const [enterCodes, leaveCodes] = ['\u001b[?1049h\u001b[?25l\u001b[?7l', '\u001b[?7h\u001b[?25h\u001b[?1049l'];

/** Signals that end or stop the program at once unless somebody handles them. */
const abrupt = ['SIGQUIT', 'SIGABRT', 'SIGTSTP'] as const;

/** The keys that a terminal turns into signals for its foreground processes, which it does not do in raw mode. */
const signalKeys: Readonly<Record<string, NodeJS.Signals>> = {
  '\u0003': 'SIGINT',
  '\u001a': 'SIGTSTP',
  '\u001c': 'SIGQUIT',
};

/** The functions that a screen calls. */
export interface ScreenEvents {
  readonly onKey: (key: string) => void;
  readonly onResize: () => void;
  /** Called once the terminal has been given back, whoever wanted that. */
  readonly onLeave: () => void;
}

/**
 * The whole terminal, on a screen of its own whose keys are read one by one. The terminal is given back as it was when the
 * screen is left, when the program exits, and before a signal ends or stops it.
 */
export class FullScreen {
  readonly #io: Pick<Io, 'stdin' | 'stderr'>;
  readonly #events: ScreenEvents;
  #isOpen = false;

  constructor(io: Pick<Io, 'stdin' | 'stderr'>, events: ScreenEvents) {
    this.#io = io;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Shows lines from the top, and nothing below them. The first call takes the terminal. */
  show(lines: readonly string[]): void {
    if (!this.#isOpen) this.#enter();
    const { stderr } = this.#io;
    // A line is erased before it is written: afterwards the cursor may stand on its last character.
    const shown = lines.slice(0, stderr.rows).map((line) => `\u001b[2K${line}`);
    stderr.write(`\u001b[H${shown.join('\r\n')}${shown.length < stderr.rows ? '\r\n\u001b[J' : ''}`);
  }

  /** Gives the terminal back; the next `show` takes it again. */
  leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { stdin, stderr } = this.#io;
    process.off('exit', this.#onExit);
    for (const signal of abrupt) process.off(signal, this.#onAbrupt);
    stderr.off('resize', this.#events.onResize);
    stdin.off('data', this.#onData).pause();
    this.#setRaw(false);
    stderr.write(leaveCodes);
    this.#events.onLeave();
  }

  #enter(): void {
    this.#isOpen = true;
    const { stdin, stderr } = this.#io;
    process.on('exit', this.#onExit);
    for (const signal of abrupt) process.on(signal, this.#onAbrupt);
    stderr.on('resize', this.#events.onResize);
    // Without keys to read, as from a pipe, there is only something to look at.
    if (stdin.isTTY === true) {
      this.#setRaw(true);
      stdin.on('data', this.#onData).resume();
    }
    stderr.write(enterCodes);
  }

  #setRaw(isRaw: boolean): void {
    const { stdin } = this.#io;
    try {
      if (stdin.isTTY === true) stdin.setRawMode?.(isRaw);
    } catch {
      // The terminal has hung up.
    }
  }

  readonly #onExit = (): void => this.leave();

  /** Gives the terminal back and lets the signal do what it does without a handler. */
  readonly #onAbrupt = (signal: NodeJS.Signals): void => {
    this.leave();
    // SIGTSTP would only be queued again for the handler that is running.
    process.kill(process.pid, signal === 'SIGTSTP' ? 'SIGSTOP' : signal);
  };

  readonly #onData = (data: Buffer | string): void => {
    for (const key of String(data)) {
      const signal = signalKeys[key];
      if (signal) process.kill(0, signal);
      else this.#events.onKey(key);
    }
  };
}
