import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** How long a program may take to end. */
const graceMs = 5000;

/** The built program as a child, known by what it says on stderr. */
export class Program {
  name;
  /** Called with each line. */
  onLine = () => {};
  #child;
  #lines = [];
  #exited;
  #wake = () => {};

  constructor(name, args) {
    this.name = name;
    this.#child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#exited = once(this.#child, 'exit').then(([status, signal]) => status ?? signal);
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      this.#lines.push(line);
      this.onLine(line);
      this.#wake();
    });
  }

  /**
   * Resolves with what `find` makes of the first line that it makes something of.
   * @throws {Error} when the program ends before
   */
  async waitFor(what, find) {
    for (let next = 0; ;) {
      for (; next < this.#lines.length; next++) {
        const found = find(this.#lines[next]);
        if (found) return found;
      }
      const ended = await Promise.race([new Promise((resolve) => (this.#wake = resolve)), this.#exited]);
      if (ended !== undefined)
        throw new Error(`${this.name} ended with ${ended} before ${what}\n${this.#lines.join('\n')}`);
    }
  }

  /** Asks it to stop; resolves with its status, or the signal that it died of. */
  async stop() {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    const how = await this.#exited;
    clearTimeout(timer);
    return how;
  }

  /** Ends it whatever it does. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
