import process from 'node:process';
import { Chalk } from 'chalk';
import { Program } from './program.mjs';

/** The colours of a demo, for terminals. */
export const chalk = new Chalk({ level: process.stdout.isTTY && !process.env.NO_COLOR ? 1 : 0 });

/** A demo that a person watches: who says what, and the programs that take part. */
export class Show {
  colours;
  #programs = [];
  #width;

  /** @param colours of each name */
  constructor(colours) {
    this.colours = colours;
    this.#width = Math.max(...Object.keys(colours).map((name) => name.length));
  }

  say(who, text) {
    console.log(`  ${this.colours[who](who.padEnd(this.#width))} ${text}`);
  }

  /** Starts the built program under a name. */
  start(name, args) {
    this.say(name, chalk.dim(`$ tunl ${args.join(' ')}`));
    const program = new Program(name, args);
    this.#programs.push(program);
    return program;
  }

  /** Starts `serve` with these words under a name, and waits for its listener. */
  async serve(name, ...words) {
    const program = this.start(name, ['serve', ...words, '--json']);
    const { address } = await program.waitFor('its listener', (line) => findEvent(line, 'listening'));
    this.say(name, `serves ${address}`);
    return { program, name, address };
  }

  /** Kills a program, as a crash would. */
  async kill(program) {
    this.#programs = this.#programs.filter((other) => other !== program);
    await program.kill();
  }

  /** Asks the programs to end, the last one first. @throws {Error} if one ends with anything but 0 */
  async stopPrograms() {
    for (const program of this.#programs.toReversed()) {
      const how = await program.stop();
      if (how !== 0) throw new Error(`${program.name} ended with ${how}`);
    }
  }

  /** Plays to the end, within the limit, and ends the process: with 0 only if everything went well. */
  async run(play, limitMs) {
    try {
      await Promise.race([play(), failAfter(limitMs), failOnSignal('SIGINT'), failOnSignal('SIGTERM')]);
    } catch (error) {
      console.error(`\ndemo failed: ${error.message}`);
      process.exitCode = 1;
    } finally {
      await Promise.all(this.#programs.map((program) => program.kill()));
    }
    // Servers and timers may still be active; the programs have ended.
    process.exit();
  }
}

/** Finds an event with this name in a line of `--json`. */
export function findEvent(line, name) {
  // A program that does not start at all prints other messages.
  if (!line.startsWith('{')) return undefined;
  const event = JSON.parse(line);
  return event.event === name ? event : undefined;
}

function failAfter(ms) {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(`it took longer than ${ms / 1000} s`)), ms));
}

function failOnSignal(signal) {
  return new Promise((_, reject) => process.once(signal, () => reject(new Error(`stopped by ${signal}`))));
}
