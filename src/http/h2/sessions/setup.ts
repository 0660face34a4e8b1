import { usualFrameBytes } from '../../../h2/codes.ts';
import type { SessionSetup } from '../../../h2/session-base.ts';
import type { Http2Setup } from '../setup.ts';

/** Fields in a head, unless the set-up says otherwise; pseudo-fields count. */
const usualFields = 128;

/** The set-up of the engine. */
export function toSessionSetup(setup: Http2Setup): SessionSetup {
  const { maxFields = usualFields, maxFrameBytes = usualFrameBytes, extendedConnect = false, ...same } = setup;
  return { ...same, maxFields, maxFrameBytes, extendedConnect };
}
