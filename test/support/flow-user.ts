import type { Flow, FlowEvents } from '../../src/core/flow.ts';
import { Fingerprint } from './payload.ts';

/** Listens to a Flow and notes what happens. It reads from the start, unless told to wait for `flow.resume()`. */
export class FlowUser implements FlowEvents {
  readonly flow: Flow;
  /** Whether the chunks are kept; otherwise only their fingerprint is taken while they are lent. */
  keeps = false;
  readonly kept: Buffer[] = [];
  readonly print = new Fingerprint();
  /** The names of the events other than data, in order. */
  readonly events: string[] = [];
  error: Error | undefined;
  /** Called with each chunk. */
  onChunk: (chunk: Buffer) => void = () => {};

  constructor(flow: Flow, { reading = true } = {}) {
    this.flow = flow;
    flow.listen(this);
    if (reading) flow.resume();
  }

  onData(chunk: Buffer): boolean {
    this.print.update(chunk);
    this.onChunk(chunk);
    if (this.keeps) this.kept.push(chunk);
    return this.keeps;
  }

  onEnd(): void {
    this.events.push('end');
  }

  onDrain(): void {
    this.events.push('drain');
  }

  onFinish(): void {
    this.events.push('finish');
  }

  onReset(error: Error): void {
    this.error = error;
    this.events.push('reset');
  }
}
