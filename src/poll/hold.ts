/** The time, in milliseconds, for which each end of a tunnel looks for another transport when no request goes through. */
export const holdMs = 60_000;
