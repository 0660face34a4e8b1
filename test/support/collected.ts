import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventually } from './eventually.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Waits until nothing keeps an object. The caller must have lost it in a function that has returned. */
export async function expectCollected(object: WeakRef<object>): Promise<void> {
  await eventually(() => {
    collect();
    return object.deref() === undefined;
  }, true);
}
