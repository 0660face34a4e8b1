import { beforeEach, expect, onTestFinished } from 'vitest';
import { eventually } from './eventually.ts';

/** What the event loop watches of sockets and pipes, by kind. */
const watched = /^(?:TCP|Pipe|UDP|TTY)/;

/**
 * Where sessions are ended by nghttp2 itself, for what their peers did. Node then stops reading and says
 * nothing; what is left is found out by the PINGs that are not answered, half a minute later.
 */
const slowFiles = /\/test\/http2\//;

/** Node says this where a test asks for it: the variable must not make us trust anybody. */
const expected = /NODE_TLS_REJECT_UNAUTHORIZED/;

const warnings: string[] = [];
process.on('warning', ({ name, message }) => {
  if (!expected.test(message)) warnings.push(`${name}: ${message}`);
});

function countOpen(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (watched.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

// Every test leaves behind what it found, and Node has nothing to warn of. Registered first, it is
// asked last: after everything that the test itself cleans up.
beforeEach(() => {
  if (slowFiles.test(expect.getState().testPath ?? '')) return;
  const before = countOpen();
  onTestFinished(async () => {
    await eventually(countOpen, before);
    expect(warnings).toEqual([]);
  });
});
