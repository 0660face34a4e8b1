import { closeSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { ReadStream } from 'node:tty';
import { type TunlError, usageError } from '../../core/errors.ts';
import { decodeOctets } from '../../core/octets.ts';
import { catchEndSignals, interruptedBy } from './signals.ts';
import { hasTerminalGone } from '../terminal/terminal.ts';
import { toPrintable } from '../../syntax/text.ts';

/** Keys whose signals the kernel does not send in raw mode. */
const signalKeys: Readonly<Record<number, NodeJS.Signals>> = { 0x03: 'SIGINT', 0x1a: 'SIGTSTP', 0x1c: 'SIGQUIT' };
const endKey = 0x04;
const eraseKeys = [0x08, 0x7f];
const eraseLineKey = 0x15;
const enterKeys = [0x0a, 0x0d];

/**
 * Asks on the controlling terminal, and reads one line without showing it. When the promise settles, the terminal is as
 * it was before, even if a signal ended the question.
 * @param terminal a descriptor of it for reading, which is closed at the end
 * @throws {TunlError} usage, if nothing was typed; interrupted, if a signal came or the terminal went away
 */
export function readHidden(terminal: number, question: string): Promise<string> {
  const input = new ReadStream(terminal);
  const output = openSync('/dev/tty', 'w');
  const ask = () => {
    input.setRawMode(true);
    say(output, `\r${toPrintable(question)} `);
  };
  // After a SIGSTOP the terminal may be in any mode.
  const askAgain = () => {
    input.setRawMode(false);
    ask();
  };
  let stopCatching = () => {};
  const answer = new Promise<string>((resolve, reject) => {
    stopCatching = catchEndSignals(reject);
    process.on('SIGCONT', askAgain);
    const line = new Line();
    const orHangup = (otherwise: () => void) => (hasTerminalGone() ? reject(interruptedBy('SIGHUP')) : otherwise());
    const end = () => orHangup(() => (line.text === '' ? reject(nothingTyped()) : resolve(line.text)));
    input.on('error', (error) => orHangup(() => reject(error))).on('end', end);
    input.on('data', (chunk: Buffer) => {
      for (const key of chunk) {
        if (enterKeys.includes(key)) return resolve(line.text);
        if (key === endKey) return end();
        const signal = signalKeys[key];
        if (signal === undefined) line.type(key);
        else signalGroup(signal, input);
      }
    });
    ask();
  });
  return answer.finally(() => {
    stopCatching();
    process.off('SIGCONT', askAgain);
    input.setRawMode(false);
    say(output, '\n');
    closeSync(output);
    input.destroy();
  });
}

/** Sends a signal to the whole process group, as the kernel does outside raw mode. */
function signalGroup(signal: NodeJS.Signals, input: ReadStream): void {
  input.setRawMode(false);
  process.kill(0, signal);
}

function say(output: number, text: string): void {
  try {
    writeSync(output, text);
  } catch {
    // The terminal went away, which its input reports.
  }
}

function nothingTyped(): TunlError {
  return usageError('no password was typed');
}

/** A line that is being typed, in bytes. */
class Line {
  #bytes: number[] = [];

  get text(): string {
    return decodeOctets(Buffer.from(this.#bytes));
  }

  type(key: number): void {
    if (key === eraseLineKey) this.#bytes = [];
    else if (eraseKeys.includes(key)) this.#erase();
    else this.#bytes.push(key);
  }

  /** Removes the last character, which may have several bytes. */
  #erase(): void {
    while (((this.#bytes.pop() ?? 0) & 0xc0) === 0x80);
  }
}
