import { readUnixPath } from '../../src/core/unix-path.ts';

/** True if `unix:@NAME` is supported: on Linux, with a Node that does not pad the name. Elsewhere it is refused, which is tested too. */
export const hasAbstractNames: boolean = (() => {
  try {
    return readUnixPath('@name') === '\0name';
  } catch {
    return false;
  }
})();
