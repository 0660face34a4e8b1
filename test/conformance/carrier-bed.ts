import type { TcpAddress } from '../../src/core/address.ts';
import { TunlError } from '../../src/core/errors.ts';
import type { TunlEvent } from '../../src/core/events.ts';
import type { Link } from '../../src/core/link.ts';
import type { TestApp } from '../support/harness/app.ts';

/** A name and a password, as a test writes them. */
export interface TestCredentials {
  readonly user: string;
  readonly password: string;
}

/** How a test wants the two ends of a carrier. */
export interface BedOptions {
  /** Who the server lets in; everybody where absent. */
  readonly users?: TestCredentials;
  /** What the client gives. */
  readonly credentials?: TestCredentials;
  /** Rules of the server. */
  readonly deny?: readonly string[];
  /** Limit of the client on each handshake, in milliseconds. */
  readonly handshakeMs?: number;
  /** Puts something between the client and the server: takes the server's port, gives its own. */
  readonly between?: (serverPort: number) => Promise<number>;
}

/** The two ends of a carrier: the client's dial, and the server that the last hop leads to. */
export interface CarrierBed {
  /** Opens a tunnel. What is left of it is reset after the test. */
  dial(target: TcpAddress, signal?: AbortSignal): Promise<Link>;
  /** What the client was told of the dial's progress. */
  readonly progress: readonly string[];
  readonly server: TestApp;
}

/** Starts both ends. */
export type StartBed = (options?: BedOptions) => Promise<CarrierBed>;

/** Everything that the server said of tunnels, without its notices. */
export function tunnelEvents({ server }: CarrierBed): TunlEvent[] {
  return server.events.filter(({ event }) => event.startsWith('tunnel.'));
}

/** The failure of a dial, without what it was wrapped in. */
export async function failureOf(dialling: Promise<unknown>): Promise<TunlError> {
  const error: unknown = await dialling.then(
    () => new Error('the tunnel was opened'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof TunlError)) throw error;
  return error;
}
