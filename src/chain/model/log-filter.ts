import type { FieldMatch } from './condition.ts';

/** The moments in the life of a tunnel or request at which a log can have a line, in their order. */
export const logMoments = ['asked', 'opened', 'ended'] as const;

/** When a line is written: the client arrived, its tunnel is open, or all is over. Requests never open. */
export type LogMoment = (typeof logMoments)[number];

/** How a number is compared with that of a condition. */
export const comparisonSigns = ['=', '>=', '<=', '!='] as const;

/** A condition on a tunnel or request. */
export type LogTest =
  | {
      /** The status of the answer, 0 without one; or the whole duration, in milliseconds. */
      readonly kind: 'status' | 'took';
      readonly compare: (typeof comparisonSigns)[number];
      readonly value: number;
    }
  /** One of these flags of Envoy is set; any flag, if none is given. */
  | { readonly kind: 'flags'; readonly flags: readonly string[] }
  /** A field of the request; one without any, as of a tunnel that no request asked for, has none. */
  | { readonly kind: 'field'; readonly field: FieldMatch };

/** Lists of conditions. Something is logged that meets all conditions of one list. */
export type LogFilter = readonly (readonly LogTest[])[];

/** The flags of Envoy for the outcome of a tunnel or request. */
export const outcomeFlags: readonly string[] =
  'LH UH UT LR UR UF UC UO NR DI FI RL UAEX RLSE DC URX SI IH DPE UMSDR RFCF NFCF DT UPE NC OM DF DO DR UDO'.split(' ');

const kinds = ['status', 'took', 'flags', 'field'] as const satisfies readonly LogTest['kind'][];

/** Puts the conditions of a list into the one order in which they are written: by kind, those of one field together. */
export function sortTests(tests: readonly LogTest[]): readonly LogTest[] {
  const names = [...new Set(tests.flatMap((test) => (test.kind === 'field' ? [test.field.name] : [])))];
  const rank = (test: LogTest) =>
    kinds.indexOf(test.kind) + (test.kind === 'field' ? names.indexOf(test.field.name) : 0);
  return tests.toSorted((one, other) => rank(one) - rank(other));
}
