import * as z from 'zod';
import { conditions } from '../screens/conditions.ts';
import { describe, must, oneOrMore, text } from '../schema-parts.ts';

/** The schema of conditions on a tunnel or request, of which all must be met. */
export const tests = z.strictObject(
  {
    status: describe(
      oneOrMore(z.union([z.int(), text]), 'a status').optional(),
      'the status of the answer: 404, >= 500, <= 399 or != 200; 0 without an answer',
    ),
    took: describe(oneOrMore(text, 'a duration').optional(), 'how long it took: >= 1s, or with <=, = or !='),
    flags: describe(
      oneOrMore(z.union([z.literal(true), text]), 'true or flags').optional(),
      'the flags of Envoy for its outcome: UF, UF|NR for one of them, or true for any',
    ),
    headers: describe(conditions.optional(), 'what the fields of the request must be, as in routes'),
  },
  must('conditions by name: status, took, flags and headers'),
);

/** Conditions in a file, of which all must be met. */
export type LogTestsConfig = z.infer<typeof tests>;
