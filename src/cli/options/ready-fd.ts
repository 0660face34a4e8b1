import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';

/** A descriptor on which another program waits. */
export interface ReadyFd {
  /** Writes the text and closes the descriptor, even if nobody reads it. */
  publish(text: string): void;
}

/**
 * Checks an inherited descriptor that will be written to.
 * @throws {TunlError} usage, if it is not a descriptor for writing
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
        // The reader has gone.
      }
      closeSync(fd);
      // The next socket must not get descriptor 1: output for stdout would go there.
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
    // The number is right, even if the reader has gone.
    return (error as NodeJS.ErrnoException).code === 'EPIPE';
  }
}

/**
 * True for a descriptor that Node has opened for itself. Node takes the lowest free numbers, so a descriptor that the
 * parent forgot to open may be one of them.
 */
function isOfNode(fd: number): boolean {
  try {
    const file = readlinkSync(`/proc/self/fd/${fd}`);
    if (file.startsWith('anon_inode:')) return true;
    // Node's own pipes have both ends in this process; the reader of ours is another process.
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
