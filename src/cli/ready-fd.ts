import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { usageError } from '../core/errors.ts';
import { quote } from '../words/text.ts';

/** A descriptor that somebody waits on. */
export interface ReadyFd {
  /** Writes the text and closes the descriptor, whether or not anybody reads it. */
  publish(text: string): void;
}

/**
 * Takes an inherited descriptor to write to.
 * @throws {TunlError} usage, when it is none
 */
export function prepareReadyFd(text: string): ReadyFd {
  const fd = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(fd))
    throw usageError(`--ready-fd ${quote(text)} is not the number of a descriptor`, 'write --ready-fd 3');
  if (fd === 0 || fd === 2) {
    throw usageError(
      `--ready-fd ${fd} is ${fd === 0 ? 'stdin' : 'where messages go'}`,
      'write --ready-fd 3, and 3>FILE',
    );
  }
  if (!isWritable(fd) || isOfNode(fd)) {
    throw usageError(
      `--ready-fd ${fd} is not an open descriptor that can be written to`,
      `a shell opens it with ${fd}>FILE`,
    );
  }
  return {
    publish: (lines) => {
      try {
        writeSync(fd, lines);
      } catch {
        // Whoever waited has gone.
      }
      closeSync(fd);
      // The number 1 must not become the next socket's: what is written to stdout would go there.
      if (fd === 1) openSync('/dev/null', 'w');
    },
  };
}

function isWritable(fd: number): boolean {
  try {
    fstatSync(fd);
    writeSync(fd, Buffer.alloc(0));
    return true;
  } catch (error) {
    // A reader that has gone is no mistake in the number.
    return (error as NodeJS.ErrnoException).code === 'EPIPE';
  }
}

/**
 * True for a descriptor that Node has opened for itself: it takes the lowest free numbers, so a
 * descriptor that the parent has forgotten to open may well be open.
 */
function isOfNode(fd: number): boolean {
  try {
    const file = readlinkSync(`/proc/self/fd/${fd}`);
    if (file.startsWith('anon_inode:')) return true;
    // Node's own pipes have both ends in this process; the reader of ours is another.
    return (
      file.startsWith('pipe:') && readdirSync('/proc/self/fd').some((other) => other !== `${fd}` && reads(other, file))
    );
  } catch {
    return false;
  }
}

function reads(fd: string, pipe: string): boolean {
  try {
    // The last digit of the flags, in octal, is the access mode: 0 is reading (open(2)).
    return (
      readlinkSync(`/proc/self/fd/${fd}`) === pipe &&
      /^flags:\s*\d*0$/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))
    );
  } catch {
    return false;
  }
}
