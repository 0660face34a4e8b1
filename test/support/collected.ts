import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventually } from './eventually.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Waits until an object is garbage-collected. Only a function that has returned may have referred to it. */
export async function expectCollected(object: WeakRef<object>): Promise<void> {
  await eventually(() => {
    collect();
    return object.deref() === undefined;
  }, true);
}
