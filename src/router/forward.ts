import { TunlError } from '../core/errors.ts';
import type { Forwarder, ForwarderOptions } from './forwarder.ts';

/** Makes what sends requests to one upstream. */
export function createForwarder({ name }: ForwarderOptions): Forwarder {
  return {
    forward: () => Promise.reject(new TunlError('internal', `nothing goes to ${name} yet`)),
    close: () => Promise.resolve(),
  };
}
