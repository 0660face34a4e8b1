import { expect } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';

/** The answer to bad arguments: one line, and the hints below it. */
export interface Refusal {
  readonly message: string;
  readonly hints: readonly string[];
}

/** Runs a function that must refuse its arguments, and returns its answer. */
export function refusalOf(parse: () => unknown): Refusal {
  try {
    parse();
  } catch (error) {
    return readRefusal(error);
  }
  throw new Error('it was accepted');
}

/** Does the same for an asynchronous function. */
export async function lateRefusalOf(promise: Promise<unknown>): Promise<Refusal> {
  return promise.then(() => Promise.reject(new Error('it was accepted')), readRefusal);
}

function readRefusal(error: unknown): Refusal {
  expect(error).toBeInstanceOf(TunlError);
  const { code, message, facts } = error as TunlError;
  expect(code).toBe('usage');
  // One line, in lower case if it begins with a word, and without a full stop.
  expect(message).toMatch(/^(?:[^A-Z\n]|TUNL_)[^\n]*[^.\n]$/);
  return { message, hints: facts.hints ?? [] };
}
