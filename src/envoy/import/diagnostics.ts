import { Diagnostics } from '../../chain/read/diagnostics.ts';
import type { Fault, Path, Source } from '../../chain/read/document.ts';
import type { SecretSources } from '../../chain/read/secrets.ts';
import type { TunlError } from '../../core/errors.ts';
import type { NoticeEvent } from '../../core/events.ts';
import { StageNames } from '../names.ts';
import { findWritten } from '../schema/spelling.ts';

/**
 * Collects the faults and notices about a bootstrap file, with their positions. All paths use the normalised names of
 * fields.
 */
export class BootstrapDiagnostics {
  readonly attempts = new Diagnostics();
  readonly notices: NoticeEvent[] = [];
  readonly sources: SecretSources = new Map();
  /** The names of stages, made from the names of listeners. */
  readonly names = new StageNames();
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Adds a fault, for which the file will be refused. */
  add(path: Path, message: string, ...hints: readonly string[]): void {
    this.attempts.add(path, message, ...hints);
  }

  /** Adds a notice, with which the file is still accepted. */
  notice(level: 'warning' | 'verbose', path: Path, message: string): void {
    this.notices.push({ event: 'notice', level, message: `${this.placeOf(path)}: ${message}` });
  }

  /** Returns the position of the last key of a path: `envoy.yaml:4:5`. */
  placeOf(path: Path): string {
    return this.#source.placeOf(this.#toWritten(path));
  }

  /** Adds to an error the position of a value, and the line there. */
  blame(error: TunlError, path: Path): TunlError {
    return this.#source.blame(error, this.#toWritten(path), true);
  }

  /** Refuses the file if there are faults. @throws {TunlError} usage */
  assertRight(faults: readonly Fault[] = this.attempts.faults): void {
    if (faults.length === 0) return;
    throw this.#source.fail(faults.map((fault) => ({ ...fault, path: this.#toWritten(fault.path) })));
  }

  #toWritten(path: Path): Path {
    return findWritten(path, this.#source.value);
  }
}
