import { expect } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';

/** What bad arguments are answered with: the one line, and the hints below it. */
export interface Refusal {
  readonly message: string;
  readonly hints: readonly string[];
}

/** Runs something that must refuse its arguments, and gives what it says. */
export function refusalOf(parse: () => unknown): Refusal {
  try {
    parse();
  } catch (error) {
    return readRefusal(error);
  }
  throw new Error('it was accepted');
}

/** The same for what finds out later. */
export async function lateRefusalOf(promise: Promise<unknown>): Promise<Refusal> {
  return promise.then(() => Promise.reject(new Error('it was accepted')), readRefusal);
}

function readRefusal(error: unknown): Refusal {
  expect(error).toBeInstanceOf(TunlError);
  const { code, message, facts } = error as TunlError;
  expect(code).toBe('usage');
  // One line, lower case where it begins with a word, no full stop.
  expect(message).toMatch(/^(?:[^A-Z\n]|TUNL_)[^\n]*[^.\n]$/);
  return { message, hints: facts.hints ?? [] };
}
