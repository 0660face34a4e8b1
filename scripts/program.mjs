import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** The time that a program may take to end. */
const graceMs = 5000;

/** The built program as a child process, observed through its stderr. */
export class Program {
  name;
  /** Called with each line of stderr. */
  onLine = () => {};
  #child;
  #lines = [];
  #exited;
  #wake = () => {};

  constructor(name, args) {
    this.name = name;
    // What the developer has configured for themselves has no effect.
    const env = { ...process.env, TUNL_CONFIG: '' };
    this.#child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#exited = once(this.#child, 'exit').then(([status, signal]) => status ?? signal);
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      this.#lines.push(line);
      this.onLine(line);
      this.#wake();
    });
  }

  /**
   * Resolves with the first result of `find` for a line that is not undefined.
   * @throws {Error} if the program ends before
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

  /** Asks the program to stop; resolves with its status, or the signal that ended it. */
  async stop() {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    const how = await this.#exited;
    clearTimeout(timer);
    return how;
  }

  /** Kills the program. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
