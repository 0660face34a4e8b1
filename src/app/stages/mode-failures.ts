import { type ErrorCode, type HopPosition, messageOf, TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import { readField } from '../../resume/fields.ts';

/** The statuses that ask who we are. */
const challenges: ReadonlySet<number | undefined> = new Set([401, 407]);

/** The status with which a `tunl serve` without `--resume` refuses a session. */
const noSessionStatus = 404;

/** Failures that every mode would have: they lie with this process, or with the certificate of the far end. */
const common: ReadonlySet<ErrorCode> = new Set(['usage', 'internal', 'interrupted', 'tls_certificate_error']);

/** The refusals that the far end itself has made, and no front end before it. */
const ofFarEnd = new WeakSet<Error>();

const sessionHint =
  'auto+https:// needs a tunl serve with --resume 10m at its end, and works best with --ws, --post and --poll';

/** True for an answer of the hop at this place that asks who we are. */
export function isChallenge(error: unknown, { index }: HopPosition): boolean {
  return error instanceof TunlError && challenges.has(error.facts.received) && error.facts.hop?.index === index;
}

/**
 * True for a failure after which no other mode is tried: somebody asks who we are, the far end itself has refused, or
 * there was no connection to ask over.
 */
export function endsAll(error: unknown): boolean {
  if (!(error instanceof TunlError) || ofFarEnd.has(error)) return true;
  const { code, phase, facts } = error;
  return common.has(code) || challenges.has(facts.received) || phase === 'dns' || phase === 'connect';
}

/**
 * Notes of a failure whether the far end itself has refused, as the fields of its answer say.
 * @param isOpening false if a session was to go on over another transport
 */
export function noteFarEnd(error: unknown, answer: readonly HeaderField[], place: string, isOpening: boolean): unknown {
  const message = readField(answer);
  if (!(error instanceof TunlError) || message === undefined) return error;
  const isUnknown = isOpening && error.facts.received === noSessionStatus;
  const noted = isUnknown
    ? new TunlError(error.code, `${place} opens no sessions`, { ...error.facts, hints: [sessionHint] })
    : error;
  ofFarEnd.add(noted);
  return noted;
}

/** Makes the error about an answer that opens something else than a session, as web servers give it. */
export function noSessionError(place: string, hop: HopPosition): TunlError {
  const facts = { side: 'hop', hop, phase: 'handshake', hints: [sessionHint] } as const;
  return new TunlError('http_protocol_error', `${place} answered as if it had opened a session, and did not`, facts);
}

/** Makes the error about a session that was cut before it carried anything. */
export function cutError(cause: unknown, place: string, hop: HopPosition): TunlError {
  const message = `${place} opened a session that was cut at once: ${messageOf(cause)}`;
  return new TunlError('connection_terminated', message, { side: 'hop', hop, phase: 'handshake', cause });
}

/** Returns the failure without the name of a mode: as long as none has won, the hop is named as it was written. */
export function withoutMode(error: unknown, { index }: HopPosition): unknown {
  if (!(error instanceof TunlError) || !error.facts.taken?.has(index)) return error;
  const taken = new Map([...error.facts.taken].filter(([place]) => place !== index));
  return new TunlError(error.code, error.message, { ...error.facts, taken });
}

/** The failure of one mode. */
export interface ModeFailure {
  readonly mode: string;
  readonly error: unknown;
}

/**
 * Makes the error for a far end that is reached in no mode. It names the failure of each, and its code is that of the one
 * that got furthest.
 */
export function failureOfAll(place: string, failures: readonly ModeFailure[]): unknown {
  const [first] = failures;
  if (!first) return new TunlError('internal', `there is no way to ask ${place}`);
  const telling = failures.reduce((most, one) => (rank(one.error) > rank(most.error) ? one : most), first).error;
  if (!(telling instanceof TunlError) || failures.every(({ error }) => messageOf(error) === telling.message)) {
    return telling;
  }
  const each = failures.map(({ mode, error }) => `${mode}: ${withoutPlace(messageOf(error), place)}`);
  const { code, facts } = telling;
  return new TunlError(code, `no way to ${place} works: ${each.join('; ')}`, {
    ...facts,
    hints: [...new Set([...(facts.hints ?? []), sessionHint])],
  });
}

/** How far an attempt got: to no connection in TLS, to one, or to an answer. */
function rank(error: unknown): number {
  if (!(error instanceof TunlError)) return -1;
  if (error.facts.received !== undefined) return 3;
  return error.phase === 'handshake' ? 2 : error.phase === 'tls' ? 1 : 0;
}

/** The message of a failure behind the name of its mode; it needs no place a second time. */
function withoutPlace(message: string, place: string): string {
  return message.startsWith(`${place} `) ? message.slice(place.length + 1) : message;
}
