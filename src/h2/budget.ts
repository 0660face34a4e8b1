import { ConnectionFault, errorCodes } from './codes.ts';

/** Frames that moved nothing: 1,000 empty DATA frames spend it, or 200,000 that cost less. */
const idleBudget = { burst: 200_000, perSecond: 20_000 };
const idleCosts = { dataless: 200, refused: 20, other: 1 } as const;

/** What one DATA frame of ours may bring the peer to send: an update for its stream, and one for the connection. */
const updatesPerData = 2;

/** PING and SETTINGS, which we have to answer. Data pays for more of them. */
const answerBudget = { burst: 1000, perSecond: 100 };
const bytesPerAnswer = 4096;

/** Streams that ended before their answer, or that the peer made us reset. */
const resetBudget = { burst: 100, perSecond: 20 };

/** A token bucket: what a peer may ask of us in a burst, and then steadily. */
class Budget {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #refilledAt = performance.now();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
  }

  /** Takes tokens; true if there were too few. */
  isSpentBy(cost: number): boolean {
    this.#tokens -= cost;
    if (this.#tokens >= 0) return false;
    // Only now: asking for the time costs as much as reading a frame.
    const now = performance.now();
    this.refill(((now - this.#refilledAt) / 1000) * this.#perSecond);
    this.#refilledAt = now;
    return this.#tokens < 0;
  }

  /** Gives tokens back. */
  refill(tokens: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens);
  }
}

/** What one peer may ask of us without paying. */
export class PeerBudgets {
  readonly #idle = new Budget(idleBudget.burst, idleBudget.perSecond);
  readonly #answers = new Budget(answerBudget.burst, answerBudget.perSecond);
  readonly #resets = new Budget(resetBudget.burst, resetBudget.perSecond);
  /** DATA frames that we had sent when the peer last widened a window by hardly anything. */
  #dataFrames = 0;

  /** Data has come, which pays for some answers. */
  noteData(bytes: number): void {
    this.#answers.refill(bytes / bytesPerAnswer);
  }

  /** @throws {ConnectionFault} for too many resets */
  spendReset(): void {
    spend(this.#resets, 1, 'streams that are reset');
  }

  /** @throws {ConnectionFault} for too many frames that move nothing */
  spendIdle(kind: keyof typeof idleCosts): void {
    spend(this.#idle, idleCosts[kind], 'frames that move nothing');
  }

  /**
   * A window grows by hardly anything. `dataFrames` is how many frames of data we have sent.
   * @throws {ConnectionFault} for too many updates beyond those that our data accounts for
   */
  spendUpdate(dataFrames: number): void {
    this.#idle.refill(updatesPerData * (dataFrames - this.#dataFrames) * idleCosts.other);
    this.#dataFrames = dataFrames;
    this.spendIdle('other');
  }

  /** @throws {ConnectionFault} for too many frames that want an answer */
  spendAnswer(): void {
    spend(this.#answers, 1, 'frames that want an answer');
  }
}

function spend(budget: Budget, cost: number, what: string): void {
  if (budget.isSpentBy(cost)) throw new ConnectionFault(errorCodes.enhanceYourCalm, `too many ${what}`);
}
