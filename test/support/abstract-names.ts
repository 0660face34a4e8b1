import { readUnixPath } from '../../src/core/unix-path.ts';

/** True where `unix:@NAME` can be had: on Linux, with a Node that does not pad the name. Elsewhere it is refused, which is tested too. */
export const hasAbstractNames: boolean = (() => {
  try {
    return readUnixPath('@name') === '\0name';
  } catch {
    return false;
  }
})();
