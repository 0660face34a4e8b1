import { Abort } from '../../core/abort.ts';
import { TunlError } from '../../core/errors.ts';
import type { RequestEnd, RequestWatch } from '../../core/exchange.ts';
import type { Peer } from '../../core/link.ts';
import { RequestLife } from './request-life.ts';

/** The part of a request that is the same in all versions of HTTP: its counters, its end and its watcher. */
export abstract class WatchedRequest {
  protected readonly life = new RequestLife();
  protected readonly leaving = new Abort();

  abstract readonly peer: Peer;

  get scheme(): 'http' | 'https' {
    return this.peer.tls ? 'https' : 'http';
  }

  get gone(): AbortSignal {
    return this.leaving.signal;
  }

  get sent(): number {
    return this.life.sent;
  }

  get received(): number {
    return this.life.received;
  }

  get done(): Promise<RequestEnd> {
    return this.life.done;
  }

  watch(watch: RequestWatch): void {
    this.life.watch(watch);
  }
}

/** Makes the error of a request whose client left, either before its answer began or in the middle of it. */
export function goneError(isAnswered: boolean, cause: Error | null | undefined): TunlError {
  const facts = { side: 'client', ...(isAnswered && { phase: 'relay' as const }), ...(cause && { cause }) } as const;
  const message = `the client went away before ${isAnswered ? 'its answer was over' : 'it was answered'}`;
  return new TunlError('connection_terminated', message, facts);
}
