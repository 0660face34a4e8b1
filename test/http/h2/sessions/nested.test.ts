import { expect, test } from 'vitest';
import type { Fate, Flow } from '../../../../src/core/flow.ts';
import { FlowDuplex } from '../../../../src/core/flow-duplex.ts';
import type { Link } from '../../../../src/core/link.ts';
import { Connection } from '../../../../src/http/h2/sessions/connection.ts';

/** A Flow whose queue is empty although the system has not taken what was written, as that of a stream of HTTP/2 can be. */
function makeFlow(fate: Fate): Flow {
  const nothing = () => {};
  return {
    queuedBytes: 0,
    isEnded: false,
    isFinished: false,
    write: () => fate,
    listen: nothing,
    end: nothing,
    reset: nothing,
    close: nothing,
    pause: nothing,
    resume: nothing,
  } as Partial<Flow> as Flow;
}

test('a session inside a stream of another one lets nobody use memory again that is still on its way', () => {
  const link = { stream: new FlowDuplex(makeFlow('kept')), peer: {} } as Partial<Link> as Link;
  expect(new Connection(link).write([Buffer.alloc(65_536)])).toBe('kept');
});
