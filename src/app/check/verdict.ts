import type { TunlError } from '../../core/errors.ts';

/**
 * What was found: all is well, it works with a flaw, it does not work, or it was not measured.
 */
export type VerdictState = 'ok' | 'warning' | 'failure' | 'unknown';

/** One fact about the way to a target, with its cause and what can be done about it. No part of it holds a secret. */
export interface Verdict {
  /** The subject of the line, such as `login`; the same for all lines of one probe. */
  readonly name: string;
  readonly state: VerdictState;
  /** One line in lower case, without a final period. */
  readonly text: string;
  /** What lies behind it, such as the words of the proxy. */
  readonly causes?: readonly string[];
  /** What the user can do, such as a command or a setting. */
  readonly remedies?: readonly string[];
  /** The measured values by name, for programs. */
  readonly facts?: Facts;
  /** The failure that a tunnel would meet; absent if tunnels work all the same. */
  readonly error?: TunlError;
}

/** Measured values by name. Times are in milliseconds. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/**
 * Makes the verdict on a failure: its message, the words of the proxy as causes, and its other hints as remedies.
 */
export function failureVerdict(name: string, error: TunlError, more: Partial<Verdict> = {}): Verdict {
  const hints = error.facts.hints ?? [];
  const isSaid = (hint: string) => hint.startsWith('the proxy said: ') || hint.startsWith('it offers ');
  return {
    name,
    state: 'failure',
    text: error.message,
    error,
    ...more,
    causes: [...(more.causes ?? []), ...hints.filter(isSaid)],
    remedies: [...(more.remedies ?? []), ...hints.filter((hint) => !isSaid(hint))],
  };
}

/** Makes the verdict on a refusal of something beside the target: a tunnel does not meet it. */
export function besideVerdict(name: string, error: TunlError): Verdict {
  const { error: _beside, ...refused } = failureVerdict(name, error);
  return refused;
}

/** Makes the verdict on what was left out, such as `not asked`, because a check makes no more connections. */
export function spentVerdict(name: string, what: string): Verdict {
  return { name, state: 'unknown', text: `${what}: too many connections were needed` };
}

/** Writes the option by which ssh sends something within half of the time after which silence cuts it. */
export function formatAlive(idleMs: number): string {
  return `-o ServerAliveInterval=${Math.max(1, Math.floor(idleMs / 2000))}`;
}

/** Writes a time for people: `3 ms`, `1.2 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
