import { expect } from 'vitest';
import type { ServeOptions } from '../../../src/app/commands/options.ts';
import { startTestServe, type TestApp, type TestOptions } from './app.ts';
import { connectHttp2, type Http2Peer } from '../peers/h2-peer.ts';
import { echo, startTarget, type Target } from '../targets/plain.ts';

/** A server under attack, with another client's tunnel through it. */
export interface Http2Bed {
  readonly serve: TestApp;
  /** A target that echoes. */
  readonly target: Target;
  /** `HOST:PORT` of the target. */
  readonly authority: string;
  /** The number of connections to the target, without that of the control tunnel. */
  dials(): number;
  /** Starts another HTTP/2 session. */
  connect(): Promise<Http2Peer>;
  /** Opens a tunnel in a session and expects it to work. */
  expectTunnel(peer: Http2Peer): Promise<void>;
  /** Asserts that the control tunnel, in a session of its own, is unharmed. */
  expectControl(): Promise<void>;
}

/** The options of a bed: those of `serve`, and whether it uses TLS. */
export interface Http2BedOptions extends TestOptions<Omit<ServeOptions, 'tls'>> {
  readonly security?: 'clear' | 'tls';
}

/** Starts `serve` in this process, with a target and a control tunnel. */
export async function startHttp2Bed({ security = 'clear', ...options }: Http2BedOptions = {}): Promise<Http2Bed> {
  const serve = await startTestServe({ ...options, ...(security === 'tls' && { tls: {} }) });
  const target = await startTarget(echo);
  const authority = `127.0.0.1:${target.port}`;
  const connect = () => connectHttp2(serve.port, security);
  const control = await connect();
  const controlStream = control.connect(authority);
  expect(await control.outcomeOf(controlStream)).toEqual({ status: 200 });
  let words = 0;
  const expectEcho = async (peer: Http2Peer, stream: number) => {
    const word = `word ${++words}`;
    peer.send('data', stream, word);
    expect(String(await peer.read(stream, word.length))).toBe(word);
  };
  return {
    serve,
    target,
    authority,
    connect,
    dials: () => target.accepted - 1,
    async expectTunnel(peer) {
      const stream = peer.connect(authority);
      expect(await peer.outcomeOf(stream)).toEqual({ status: 200 });
      await expectEcho(peer, stream);
    },
    expectControl: () => expectEcho(control, controlStream),
  };
}
