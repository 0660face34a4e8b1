import { TunlError } from '../core/errors.ts';
import type { Hop } from '../core/hop.ts';
import type { Secret } from '../core/secret.ts';
import { isOverWithin } from '../core/waiting.ts';

/** For so long, in milliseconds, a password that was refused is not sent again. */
const restMs = 10 * 60_000;

/** The longest that others wait for a request that tries the password, in milliseconds from when it was sent. */
const turnMs = 2000;

/** A request that tries the password now. */
interface Turn {
  readonly began: number;
  readonly over: Promise<void>;
}

/** What became of a password so far. */
interface Trial {
  turn?: Turn;
  isAccepted?: true;
  refusal?: { readonly error: TunlError; readonly until: number };
}

/** By the password of a hop, as it was read: one that is read again is tried again. */
const trials = new WeakMap<Secret, Trial>();

/**
 * Runs `open`, which sends the password of a hop, so that a wrong one locks no account: until the hop has accepted it,
 * one request at a time tries it, and once it was refused it is not sent again for some minutes.
 * @param index position of the hop, by which its own failures are told from those of other hops
 * @throws {TunlError} what `open` throws, or the failure of the request that was refused; the signal's reason
 */
export async function tryPassword<T>(
  { credentials }: Hop,
  index: number,
  signal: AbortSignal,
  open: () => Promise<T>,
): Promise<T> {
  const trial = credentials && findTrial(credentials.password);
  if (!trial) return open();
  for (;;) {
    if (trial.isAccepted) return open();
    const { refusal, turn } = trial;
    if (refusal && refusal.until > Date.now()) {
      throw refusal.error.withHints('that was a moment ago, and it was not sent again: wrong passwords lock accounts');
    }
    const left = turn ? turn.began + turnMs - performance.now() : 0;
    if (!turn || left <= 0) break;
    await isOverWithin(left, turn.over, signal);
  }
  // One that has waited long enough takes the turn over, while the one before is still to be answered.
  let end = () => {};
  const turn: Turn = { began: performance.now(), over: new Promise((resolve) => (end = resolve)) };
  trial.turn = turn;
  try {
    return await tryOnce(trial, index, open);
  } finally {
    if (trial.turn === turn) delete trial.turn;
    end();
  }
}

/** Sends the password, and notes what became of it. */
async function tryOnce<T>(trial: Trial, index: number, open: () => Promise<T>): Promise<T> {
  try {
    const opened = await open();
    trial.isAccepted = true;
    return opened;
  } catch (error) {
    if (error instanceof TunlError && error.facts.refusedPassword && error.facts.hop?.index === index) {
      trial.refusal = { error, until: Date.now() + restMs };
    }
    throw error;
  }
}

function findTrial(password: Secret): Trial {
  const trial = trials.get(password) ?? {};
  trials.set(password, trial);
  return trial;
}
