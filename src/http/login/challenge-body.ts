import type { Readable } from 'node:stream';

/** The most bytes of the body of an answer that asks that are read to keep its connection, and the time in milliseconds for it. */
const maxBodyBytes = 64 * 1024;
const bodyMs = 1000;

/** The most bytes of a body that are kept for a diagnosis. */
const maxShownBytes = 8 * 1024;

/** The body of an answer that asks. */
export interface ChallengeBody {
  /** Its beginning. */
  readonly text: string;
  /** True if it was read to its end, so that its connection takes another request. */
  readonly isWhole: boolean;
}

/** Reads the body of an answer that asks within its limits. One that is not whole is destroyed. */
export function readChallengeBody(body: Readable, signal: AbortSignal): Promise<ChallengeBody> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const finish = (isWhole: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      body.off('data', onData).off('end', onEnd).off('close', giveUp);
      if (!isWhole) body.destroy();
      const shown = Buffer.concat(parts).subarray(0, maxShownBytes);
      resolve({ text: shown.toString('utf8'), isWhole });
    };
    const onEnd = () => finish(true);
    const giveUp = () => finish(false);
    const onData = (part: Buffer) => {
      if (bytes < maxShownBytes) parts.push(part);
      bytes += part.length;
      if (bytes > maxBodyBytes) giveUp();
    };
    const timer = setTimeout(giveUp, bodyMs);
    signal.addEventListener('abort', giveUp);
    body.on('data', onData).once('end', onEnd).once('close', giveUp);
  });
}
