import type { TcpAddress } from '../../src/core/address.ts';
import { TunlError } from '../../src/core/errors.ts';
import type { TunlEvent } from '../../src/core/events.ts';
import type { Link } from '../../src/core/link.ts';
import type { TestApp } from '../support/harness/app.ts';

/** A user name and a password. */
export interface TestCredentials {
  readonly user: string;
  readonly password: string;
}

/** The options for the two ends of a carrier. */
export interface BedOptions {
  /** The users that the server accepts; everyone if absent. */
  readonly users?: TestCredentials;
  /** The credentials that the client sends. */
  readonly credentials?: TestCredentials;
  /** The rules of the server. */
  readonly deny?: readonly string[];
  /** The client's limit for each handshake, in milliseconds. */
  readonly handshakeMs?: number;
  /** Puts a middlebox between the client and the server: receives the server's port and returns its own. */
  readonly between?: (serverPort: number) => Promise<number>;
}

/** The two ends of a carrier: the client's dial, and the server that the last hop leads to. */
export interface CarrierBed {
  /** Opens a tunnel. If it is still open after the test, it is reset. */
  dial(target: TcpAddress, signal?: AbortSignal): Promise<Link>;
  /** The progress of the dial that the client was told. */
  readonly progress: readonly string[];
  readonly server: TestApp;
}

/** Starts both ends. */
export type StartBed = (options?: BedOptions) => Promise<CarrierBed>;

/** Returns the server's events about tunnels, without its notices. */
export function tunnelEvents({ server }: CarrierBed): TunlEvent[] {
  return server.events.filter(({ event }) => event.startsWith('tunnel.'));
}

/** Returns the failure of a dial without its wrapping. */
export async function failureOf(dialling: Promise<unknown>): Promise<TunlError> {
  const error: unknown = await dialling.then(
    () => new Error('the tunnel was opened'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof TunlError)) throw error;
  return error;
}
