import type { Origin, StateEntry } from '../../core/dialer.ts';
import { usageError } from '../../core/errors.ts';
import { quote } from '../text.ts';
import { type Format, listOperators, parseFormat, writeText } from './format.ts';

/** A value that a stage gives to each connection, or to each request. `%FILTER_STATE(name:PLAIN)%` reads it. */
export interface StateValue {
  readonly name: string;
  /** A text with operators such as `%REQ(x-target)%`; one without a value is `-`. */
  readonly value: string;
  /** Whether the stages inside see it: the next one, or all. Default: none. */
  readonly share?: StateEntry['share'];
  /** Leave the value out if it is empty. */
  readonly skipEmpty?: true;
  /** Write nothing for an operator without a value. */
  readonly omitMissing?: true;
}

/** The operators that tell of a connection, and not of a request on it. */
const ofConnections = /^(?:DOWNSTREAM_|REQUESTED_SERVER_NAME$|ENVIRONMENT$|HOSTNAME$|START_TIME$|FILTER_STATE$)/;

/** The operators that tell of a request, beside those. */
const ofRequests = /^(?:REQ|PROTOCOL)$/;

/** The beginning of a tunnel, or of a request: what is known then decides which operators have a value. */
export type StateOf = 'connection' | 'request';

/**
 * Reads a text with operators whose values are known when a connection or a request begins.
 * @throws {TunlError} usage, also for an operator whose value is not known then
 */
export function parseEarly(text: string, of: StateOf): Format {
  const format = parseFormat(text);
  for (const { name } of listOperators(text)) {
    if (ofConnections.test(name) || (of === 'request' && ofRequests.test(name))) continue;
    const more = of === 'request' ? 'REQ PROTOCOL ' : '';
    throw usageError(
      `%${name}% has no value at the beginning of a ${of}`,
      `there are ${more}REQUESTED_SERVER_NAME FILTER_STATE ENVIRONMENT HOSTNAME START_TIME, and those that begin with DOWNSTREAM_`,
    );
  }
  return format;
}

/**
 * Checks the values of one list.
 * @throws {TunlError} usage
 */
export function assertState(values: readonly StateValue[], of: StateOf): void {
  for (const [index, { name, value }] of values.entries()) {
    if (/[:()%\p{Cc}]/u.test(name) || name === '') {
      throw usageError(`${quote(name)} cannot be read by %FILTER_STATE(…)%`, 'leave :, (, ) and % out of the name');
    }
    if (values.findIndex((other) => other.name === name) < index) throw usageError(`${quote(name)} is set twice`);
    parseEarly(value, of);
  }
}

/** Makes the function that gives a connection or a request its values, beside those that it brought along. */
export function createSetState(values: readonly StateValue[]): (origin: Origin) => Origin {
  const formats = values.map((value) => ({ ...value, format: parseFormat(value.value) }));
  return (origin) => {
    const state = new Map(origin.state);
    for (const { name, format, share, skipEmpty, omitMissing } of formats) {
      const facts = { origin: { ...origin, state }, began: Date.now() };
      const value = writeText(format, facts, omitMissing ? '' : '-');
      if (skipEmpty && value === '') continue;
      state.set(name, { value, ...(share && { share }) });
    }
    return { ...origin, state };
  };
}
