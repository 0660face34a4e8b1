/**
 * The time, in milliseconds, for which each end of a tunnel looks for another transport when no request goes through, unless
 * the near end asks for another.
 */
export const usualHoldMs = 60_000;
