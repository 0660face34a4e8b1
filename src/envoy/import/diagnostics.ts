import { Diagnostics } from '../../chain/read/diagnostics.ts';
import type { Fault, Path, Source } from '../../chain/read/document.ts';
import type { SecretSources } from '../../chain/read/secrets.ts';
import type { TunlError } from '../../core/errors.ts';
import type { NoticeEvent } from '../../core/events.ts';
import { quote } from '../../syntax/text.ts';
import { StageNames } from '../names.ts';
import { findWritten } from '../schema/spelling.ts';

/** The cache of names of a dynamic forward proxy. */
interface CacheMessage {
  readonly name: string;
  readonly dns_lookup_family?: string | undefined;
}

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
  /** The address families of the caches of names, by the names of the caches. */
  readonly #caches = new Map<string, string>();

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

  /** Refuses a cache of names that is described in two ways: filters and clusters of one name share it. */
  addCache({ name, dns_lookup_family: family = 'AUTO' }: CacheMessage, path: Path): void {
    const known = this.#caches.get(name) ?? family;
    this.#caches.set(name, known);
    if (known === family) return;
    const message = `the cache ${quote(name)} has the dns_lookup_family ${known} elsewhere, and ${family} here`;
    this.add([...path, 'name'], message, 'write the same, or another name');
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
    throw this.#source.fail(
      faults.map((fault) => {
        const path = this.#toWritten(fault.path);
        return { ...fault, path, message: withField(fault.message, path) };
      }),
    );
  }

  #toWritten(path: Path): Path {
    return findWritten(path, this.#source.value);
  }
}

/** Names the field that a message is about, unless it does so itself. */
function withField(message: string, path: Path): string {
  const field = path.findLast((step) => typeof step === 'string');
  const isNamed = field === undefined || message.split(/[^\w@.-]+/).includes(field);
  return isNamed || message.endsWith(' is missing') ? message : `${field}: ${message}`;
}
