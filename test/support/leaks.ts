import { beforeEach, expect, onTestFinished } from 'vitest';
import { eventually } from './eventually.ts';

/** The kinds of resources of the event loop that a test must not leave behind: sockets and pipes. */
const watched = /^(?:TCP|Pipe|UDP|TTY)/;

/** A warning that a test causes on purpose: the variable must not make us trust every certificate. */
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

// Checks that a test leaves no resource behind and causes no warning. The check is registered first and therefore
// runs last, after the cleanups of the test.
beforeEach(() => {
  const before = countOpen();
  onTestFinished(async () => {
    await eventually(countOpen, before);
    expect(warnings).toEqual([]);
  });
});
