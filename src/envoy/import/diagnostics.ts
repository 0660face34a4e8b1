import { Diagnostics } from '../../chain/read/diagnostics.ts';
import type { Fault, Path, Source } from '../../chain/read/document.ts';
import type { SecretSources } from '../../chain/read/secrets.ts';
import type { NoticeEvent } from '../../core/events.ts';
import { StageNames } from '../names.ts';
import { findWritten } from '../schema/spelling.ts';

/** One reading of a bootstrap file: where things stand in it, and what was found. Paths are those of the one spelling. */
export class BootstrapDiagnostics {
  readonly attempts = new Diagnostics();
  readonly notices: NoticeEvent[] = [];
  readonly sources: SecretSources = new Map();
  /** Names of stages, by those of listeners. */
  readonly names = new StageNames();
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Refuses something. */
  add(path: Path, message: string, ...hints: readonly string[]): void {
    this.attempts.add(path, message, ...hints);
  }

  /** Tells of something. */
  notice(level: 'warning' | 'verbose', path: Path, message: string): void {
    this.notices.push({ event: 'notice', level, message: `${this.placeOf(path)}: ${message}` });
  }

  /** Where the last key of a path stands. */
  placeOf(path: Path): string {
    return this.#source.placeOf(this.#toWritten(path));
  }

  /** @throws {TunlError} usage, when there are faults */
  assertRight(faults: readonly Fault[] = this.attempts.faults): void {
    if (faults.length === 0) return;
    throw this.#source.fail(faults.map((fault) => ({ ...fault, path: this.#toWritten(fault.path) })));
  }

  #toWritten(path: Path): Path {
    return findWritten(path, this.#source.value);
  }
}
