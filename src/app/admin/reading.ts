import { type TunlError, toTunlError } from '../../core/errors.ts';
import type { ReadingFacts } from '../../telemetry/admin/subject.ts';

/** Remembers when the files of a graph were read, and what was wrong with them then. */
export class ReadingRecord {
  #facts: ReadingFacts = { time: new Date().toISOString(), failure: null };

  get facts(): ReadingFacts {
    return this.#facts;
  }

  /** Notes that the files were read, or the reason why what was read before is still in use. */
  note(error?: TunlError): void {
    const time = new Date().toISOString();
    this.#facts = error ? { ...this.#facts, failure: { time, cause: error.message } } : { time, failure: null };
  }

  /** Reads by a function and notes its outcome. @throws what the function throws */
  async during(read: () => Promise<void>): Promise<void> {
    try {
      await read();
      this.note();
    } catch (error) {
      this.note(toTunlError(error));
      throw error;
    }
  }
}
