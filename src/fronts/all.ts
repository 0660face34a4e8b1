import type { Front } from './front.ts';
import { http } from './http.ts';
import { socks } from './socks.ts';

/** All fronts, in the order in which a connection is offered to them by its first byte; `http` takes the rest. */
export const fronts: readonly Front[] = [socks, http];
