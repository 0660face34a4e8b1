import { onTestFinished } from 'vitest';
import { flowOf } from '../../../src/core/duplex-flow.ts';
import { linkPair } from '../../../src/core/link.ts';
import { WebSocketFlow } from '../../../src/websocket/flow.ts';
import { FlowUser } from '../flow-user.ts';
import { RawPeer } from '../peers/raw-peer.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Frames of a server that say a word, end its half, ping, close, and break the rules. */
export const frames = {
  word: hex('8203 616263'),
  end: hex('8200'),
  ping: hex('8901 78'),
  normal: hex('8802 03e8'),
  fault: hex('ff00'),
};

/** The client's end of a WebSocket, with its user, and the raw connection that it leads to. */
export function startWebSocket(options?: { reading?: boolean }) {
  const [below, far] = linkPair();
  const flow = new WebSocketFlow(flowOf(below), 'client');
  onTestFinished(() => flow.close());
  return { flow, below: below.stream, user: new FlowUser(flow, options), far: new RawPeer(far) };
}

/** The opcodes of the frames that a client has sent, which are all short. */
export function readOpcodes({ inbox }: RawPeer): number[] {
  const bytes = inbox.pending;
  const opcodes: number[] = [];
  for (let at = 0; at < bytes.length; at += 6 + ((bytes[at + 1] ?? 0) & 0x7f)) opcodes.push((bytes[at] ?? 0) & 0x0f);
  return opcodes;
}
