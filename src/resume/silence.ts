/** Seconds of silence after which the other end is asked whether it is there: with bytes on their way, and without. */
const [askTicks, idleTicks] = [5, 15];

/** Seconds after which a transport is given up that brings no answer. */
export const silentTicks = 10;

/** Finds out whether a transport still works. It counts ticks and not time: a process that was stopped has not waited. */
export class Silence {
  #ticks = 0;
  #hasAsked = false;

  /** Something arrived. */
  end(): void {
    this.#ticks = 0;
    this.#hasAsked = false;
  }

  /** A second has passed; returns what is to be done. */
  tick(expectsAnswer: boolean): 'ask' | 'lose' | undefined {
    this.#ticks++;
    if (this.#hasAsked) return this.#ticks >= silentTicks ? 'lose' : undefined;
    if (this.#ticks < (expectsAnswer ? askTicks : idleTicks)) return undefined;
    this.#hasAsked = true;
    this.#ticks = 0;
    return 'ask';
  }
}
