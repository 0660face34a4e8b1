import { Abort } from '../core/abort.ts';
import { TunlError } from '../core/errors.ts';
import type { RequestEnd, RequestWatch } from '../core/exchange.ts';
import { RequestLife } from './request-life.ts';

/** What requests of all versions tell of their lives. */
export abstract class WatchedRequest {
  protected readonly life = new RequestLife();
  protected readonly leaving = new Abort();

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

/** Why a request is given up whose client has left. */
export function goneError(cause: Error | null | undefined): TunlError {
  const facts = { side: 'client', phase: 'relay', ...(cause && { cause }) } as const;
  return new TunlError('connection_terminated', 'the client went away before its answer was over', facts);
}
