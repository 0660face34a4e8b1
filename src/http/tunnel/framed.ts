import type { Hop } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import type { ResponseHead } from '../wire/message.ts';

/**
 * Puts the frames of a carrier, which end each half by itself, around the connection or stream that was opened.
 * @throws {TunlError} if the answer does not open it after all
 */
export type Frame = (link: Link, head: ResponseHead, hop: Hop) => Link;

/** Puts frames around what was opened, if there are any, or resets it. @throws {TunlError} */
export function frameOpened(frame: Frame | undefined, link: Link, head: ResponseHead, hop: Hop): Link {
  if (!frame) return link;
  try {
    return frame(link, head, hop);
  } catch (error) {
    link.reset(error as Error);
    throw error;
  }
}
