import { expect } from 'vitest';
import type { TcpAddress } from '../../../src/core/address.ts';
import type { Hop } from '../../../src/core/hop.ts';
import type { Link } from '../../../src/core/link.ts';
import { type FrontEnd, type Manner, startFrontEnd, type Way } from '../peers/front-end.ts';
import { RawPeer } from '../peers/raw-peer.ts';
import { refusedAddress } from '../targets/plain.ts';
import { makeHop, makeRoute, startTestServe, type TestApp } from './app.ts';
import { makeContext } from './link-pairs.ts';

/** How a front end treats the ways in which it is asked. */
export type Manners = Partial<Record<Way, Manner>>;

/** Front ends that refuse CONNECT over HTTP/2, and CONNECT. */
export const h2Refused = { 'h2 CONNECT': 405 } as const;
export const connectRefused = { ...h2Refused, 'h1 CONNECT': 403 } as const;

/** A far end behind a front end, and a hop that tries its modes. */
export interface ModesBed {
  readonly serve: TestApp;
  readonly front: FrontEnd;
  readonly hop: Hop;
  /** What was said of the modes, without the times. */
  readonly notices: readonly string[];
  readonly dial: (target?: TcpAddress) => Promise<Link>;
}

/** A serve for every mode, behind a front end. */
export async function startModesBed(
  manners: Manners = {},
  { serve: options = {}, hop: more = {} }: { serve?: Parameters<typeof startTestServe>[0]; hop?: Partial<Hop> } = {},
): Promise<ModesBed> {
  const serve = await startTestServe({ accept: ['post', 'ws', 'poll'], resumeMs: 60_000, ...options });
  const front = await startFrontEnd(serve.port, manners);
  const hop = makeHop('auto+https', front.port, { tls: { pin: front.pin }, ...more });
  const route = await makeRoute([hop]);
  const notices: string[] = [];
  const onNotice = (_level: string, message: string) => void notices.push(message.replace(/ \(\d+ms\)$/, ''));
  const dial = async (target = refusedAddress) => route.dial(target, { ...makeContext(target), onNotice });
  return { serve, front, hop, notices, dial };
}

/** Sends bytes through a tunnel to an echo and back, and ends it. */
export async function expectEcho(link: Link): Promise<void> {
  const client = new RawPeer(link);
  client.send('hello');
  client.fin();
  expect((await client.readToEnd()).toString()).toBe('hello');
}

/** The ways in which a front end was asked, in order. */
export const waysOf = ({ seen }: FrontEnd) => seen.map(({ way }) => way);
