import { type Http2Session, performServerHandshake } from 'node:http2';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { linkPair } from '../../../../src/core/link.ts';
import { outliveStreams } from '../../../../src/http/h2/node/handle.ts';
import { eventually } from '../../../support/eventually.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Finds Node's own object below a session. */
function findHandle(session: Http2Session): WeakRef<object> {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'kHandle');
  return new WeakRef((session as unknown as Record<symbol, object>)[symbol as symbol] as object);
}

function startSession(): { readonly session: Http2Session; readonly handle: WeakRef<object> } {
  const [near] = linkPair();
  const session = performServerHandshake(near.stream, {});
  session.on('error', () => {});
  outliveStreams(session);

  return { session, handle: findHandle(session) };
}

/** Ends a session, and looks for the object below it as soon as nothing of the session is left. */
async function endAndCollect(): Promise<{ atOnce: boolean; handle: WeakRef<object> }> {
  const { session, handle } = startSession();
  const closed = new Promise<void>((resolve) => session.once('close', resolve));
  session.destroy();
  await closed;
  collect();
  return { atOnce: handle.deref() !== undefined, handle };
}

test('what Node has below a session is there when its last streams are freed, and not for ever', async () => {
  const { atOnce, handle } = await endAndCollect();
  expect(atOnce).toBe(true);
  await eventually(() => {
    collect();
    return handle.deref() === undefined;
  }, true);
});
