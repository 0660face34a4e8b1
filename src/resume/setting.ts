import type { HopSetting } from '../core/carrier.ts';
import { usageError } from '../core/errors.ts';
import { formatHop, type Hop } from '../core/hop.ts';
import { parseDuration } from '../syntax/duration.ts';

/** The name of the setting of a hop, and of the option of `serve`. */
export const resumeName = 'resume';

const optional = ',optional';

/** A hop whose tunnels outlive their transports. */
export interface ResumeTerms {
  /** The time, in milliseconds, for which another transport is looked for. */
  readonly holdMs: number;
  /** Opens plain tunnels if the hop does not know such streams. */
  readonly isOptional: boolean;
}

/** Reads the setting of a hop; `undefined` without one, or if it is off. @throws {TunlError} usage */
export function parseResume(value: string | undefined): ResumeTerms | undefined {
  if (value === undefined) return undefined;
  const isOptional = value.endsWith(optional);
  const holdMs = parseDuration(isOptional ? value.slice(0, -optional.length) : value, resumeName);
  return holdMs > 0 ? { holdMs, isOptional } : undefined;
}

/**
 * Reads the setting of a hop whose tunnels can always be resumed; `undefined` without one, or if it is off.
 * @throws {TunlError} usage, if it asks for plain tunnels where they cannot be resumed
 */
export function parseAlwaysResumed(hop: Hop): ResumeTerms | undefined {
  const terms = parseResume(hop.settings[resumeName]);
  if (!terms?.isOptional) return terms;
  throw usageError(`the tunnels of ${formatHop(hop)} can always be resumed`, 'leave ",optional" out');
}

/** The setting of every hop that `tunl serve --resume` may be behind. */
export const resumeSetting: HopSetting = {
  name: resumeName,
  summary: 'how long a tunnel looks for another connection once its own is cut: 10m, or 10m,optional',
  parse: (value) => {
    parseResume(value);
    return value;
  },
};
