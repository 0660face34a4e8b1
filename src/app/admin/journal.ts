import type { TunlEvent, TunnelClosedEvent, TunnelFailedEvent } from '../../core/events.ts';
import type { FailureFacts } from '../../telemetry/admin/subject.ts';

/** The failures that are kept, and the most characters of each of their texts: clients choose some of them. */
const [maxFailures, maxCharacters] = [50, 300];

/** The number of answers of each class of status, from 1xx to 5xx. */
export type StatusCounts = [number, number, number, number, number];

/** Keeps what a person asks for afterwards: the last failures, and the answers of each stage by their class. */
export class Journal {
  readonly #failures: FailureFacts[] = [];
  readonly #statuses = new Map<string, StatusCounts>();
  #failed = 0;

  /** The last failures, the newest first. */
  get failures(): readonly FailureFacts[] {
    return this.#failures;
  }

  /** The number of failures since the start. */
  get failed(): number {
    return this.#failed;
  }

  /** The answers of each stage that speaks HTTP. */
  get statuses(): ReadonlyMap<string, StatusCounts> {
    return this.#statuses;
  }

  /** Notes an event of a stage. */
  note(stage: string, event: TunlEvent): void {
    if (event.event !== 'tunnel.failed' && event.event !== 'tunnel.closed') return;
    if (event.status !== undefined) this.#count(stage, event.status);
    const failure = event.event === 'tunnel.failed' ? describeFailed(event) : describeLoss(event);
    if (!failure) return;
    this.#failed++;
    const { id, client, user = null, target, via } = event;
    this.#failures.unshift({
      number: this.#failed,
      time: new Date().toISOString(),
      id,
      stage,
      peer: shorten(client),
      user: user === null ? null : shorten(user),
      target: shorten(target),
      ...failure,
      hop: failure.hop === null ? null : (via[failure.hop - 1] ?? `hop ${failure.hop}`),
      cause: shorten(failure.cause),
    });
    this.#failures.length = Math.min(this.#failures.length, maxFailures);
  }

  #count(stage: string, status: number): void {
    const counts = this.#statuses.get(stage) ?? [0, 0, 0, 0, 0];
    this.#statuses.set(stage, counts);
    const index = Math.floor(status / 100) - 1;
    if (counts[index] !== undefined) counts[index]++;
  }
}

/** The part of a failure that is told in another way before and after its tunnel was up. */
interface Described extends Pick<FailureFacts, 'cause' | 'code' | 'side' | 'phase'> {
  /** The position of the hop, from 1. */
  readonly hop: number | null;
}

function describeFailed({ error }: TunnelFailedEvent): Described {
  const { message, code, side, phase = null, facts } = error;
  return { cause: message, code, side, phase, hop: side === 'hop' ? (facts.hop?.index ?? 1) : null };
}

/** Describes an end that may have cost bytes; a client that leaves and an order to end a tunnel are no failures. */
function describeLoss({ end, side = 'self', reason }: TunnelClosedEvent): Described | undefined {
  if (end === 'clean' || end === 'cut' || side === 'client') return undefined;
  const words = { reset: 'the tunnel was reset', idle: 'idle for too long', linger: 'half closed for too long' }[end];
  return { cause: reason ?? words, code: `tunnel_${end}`, side, phase: 'relay', hop: null };
}

function shorten(text: string): string {
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text;
}
