import { flowOf } from '../core/duplex-flow.ts';
import { FlowLink } from '../core/flow-duplex.ts';
import type { Link } from '../core/link.ts';
import { WebSocketFlow } from './flow.ts';
import type { Sender } from './frames.ts';

/**
 * Makes a Link of a connection that has changed to WebSocket.
 * @param role the side that we are on: a client masks its frames, and pings
 */
export function webSocketLink(link: Link, role: Sender): Link {
  return new FlowLink(new WebSocketFlow(flowOf(link), role), link.peer);
}
