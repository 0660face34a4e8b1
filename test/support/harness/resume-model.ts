import type { HeaderField } from '../../../src/core/hop.ts';
import { type Link, resetError } from '../../../src/core/link.ts';
import { type Answer, FarEnds } from '../../../src/resume/far.ts';
import { readField } from '../../../src/resume/fields.ts';
import { StreamMemory } from '../../../src/resume/memory.ts';
import { type Dialled, openResumable } from '../../../src/resume/near.ts';
import type { ResumableStream } from '../../../src/resume/stream.ts';
import { makeRandom, type Random } from '../random.ts';
import { turn } from '../turns.ts';
import { App, makePipe, type PipeEnd, toLink } from './resume-parts.ts';

const client = { stage: 'serve', user: undefined, source: 'local' };

/** A request for a transport, on its way to the far end or back. */
interface Asked {
  readonly field: HeaderField;
  readonly resolve: (dialled: Dialled) => void;
  readonly reject: (error: Error) => void;
  answer?: readonly HeaderField[];
  failure?: Error;
  near?: PipeEnd;
}

const unknown = new Error('404');

/**
 * Two ends of a resumable stream over transports that a random schedule delays, splits, cuts, and loses before or after
 * they are answered; requests overtake each other and are repeated by somebody on the way.
 */
export class ResumeModel {
  readonly faults: string[] = [];
  near: App | undefined;
  far: App | undefined;
  transports = 0;
  expired = false;
  /** The far end waits in case that the near end needs to know how it ended. */
  isRemembered = false;
  readonly #random: Random;
  readonly #ends = new FarEnds({ memory: new StreamMemory(Infinity) });
  readonly #pipes: PipeEnd[] = [];
  readonly #asked: Asked[] = [];
  readonly #seen: HeaderField[] = [];
  readonly #mayReset: boolean;

  private constructor(seed: number) {
    this.#random = makeRandom(seed);
    this.#mayReset = seed % 4 === 0;
  }

  /** Opens the stream, whose first transport always works. */
  static async start(seed: number): Promise<ResumeModel> {
    const model = new ResumeModel(seed);
    const opening = openResumable({
      name: 'far',
      holdMs: 600_000,
      dial: (field) => new Promise((resolve, reject) => model.#asked.push({ field, resolve, reject })),
      isFinal: (error) => error === unknown,
      pause: () => Promise.resolve(),
    });
    model.#arrive(model.#asked[0]);
    model.#answer(model.#asked[0]);
    const { link } = await opening;
    model.near = new App(link.flow as ResumableStream, 'near', model.faults);
    // The far end keeps nothing before the near end has its answer.
    while (model.far === undefined || !model.far.stream.isConfirmed) await model.#calm();
    model.near.other = model.far;
    model.far.other = model.near;
    return model;
  }

  async step(): Promise<void> {
    const random = this.#random;
    const app = random(2) === 0 ? this.near : this.far;
    switch (random(20)) {
      case 0:
      case 1:
        app?.write(1 + random(random(4) === 0 ? 100_000 : 200));
        break;
      case 2:
        if (random(12) === 0) app?.end();
        else if (random(2) === 0) app?.stream.pause();
        else app?.stream.resume();
        break;
      case 3:
        this.#tick();
        break;
      case 4:
        this.#cut();
        break;
      case 5:
        this.#repeat();
        break;
      case 6:
        if (this.#mayReset && random(30) === 0) app?.reset();
        else if (this.#mayReset && random(60) === 0) this.#expire();
        break;
      case 7:
      case 8:
        this.#arrive(this.#pick(this.#asked));
        break;
      case 9:
      case 10:
        this.#answer(this.#pick(this.#asked));
        break;
      default:
        this.#move(random(3) === 0 ? 1 + random(20) : 1 + random(100_000));
    }
    if (random(4) === 0) await turn();
    this.#check();
  }

  /** A near end that was told of a clean end may be gone in the next moment. */
  #check(): void {
    if (this.near?.isClean && !this.far?.isClean) this.faults.push('the near end was told too early');
  }

  /** Lets both ends finish over transports that work, and checks how they have ended. */
  async finish(): Promise<void> {
    const apps = [this.near, this.far] as [App, App];
    for (let round = 0; round < (this.near?.hasReset ? 100 : 3000) && !apps.every((app) => app.isOver); round++) {
      for (const app of apps) {
        app.stream.resume();
        app.end();
      }
      await this.#calm();
    }
    const [near, far] = apps;
    // A reset that was lost with its transport: the far end waits in vain.
    if (near.hasReset && !far.isOver) this.#ends.onTick(Infinity);
    const state = ({ isClean, seesReset, hasReset }: App) =>
      isClean ? 'clean' : seesReset || hasReset ? 'reset' : 'open';
    // Of two generals, the one whose message was confirmed cannot know of a later change of mind.
    const mayDiffer = near.hasReset || this.expired;
    const [one, other] = [state(near), state(far)];
    if (one === 'open' || other === 'open') this.faults.push(`near ${one}, far ${other}`);
    if (one !== other && !(mayDiffer && one === 'reset')) this.faults.push(`near ${one}, far ${other}: not alike`);
    if (one === 'reset' && !near.hasReset && !far.hasReset && !this.expired) this.faults.push('a reset by nobody');
    for (let round = 0; round < 50 && this.#ends.size > 0; round++) await this.#calm();
    this.isRemembered = this.#ends.size > 0;
    this.#ends.onTick(Infinity);
    if (this.#ends.size > 0) this.faults.push('the far end remembers the stream for ever');
  }

  async #calm(): Promise<void> {
    for (const asked of this.#asked.slice()) {
      this.#arrive(asked);
      this.#answer(asked);
    }
    for (const pipe of this.#pipes.slice()) {
      pipe.deliver(1_000_000);
      pipe.drain();
    }
    this.#tick();
    await turn();
    this.#check();
  }

  #tick(): void {
    this.near?.stream.onTick();
    this.far?.stream.onTick();
  }

  #move(mostBytes: number): void {
    const pipe = this.#pick(this.#pipes.slice(-6));
    if (this.#random(3) === 0) pipe?.drain();
    else pipe?.deliver(mostBytes);
  }

  /** Breaks a transport: each side notices it by itself. */
  #cut(): void {
    const pipe = this.#pick(this.#pipes.slice(-4));
    pipe?.break(resetError('cut'));
    if (this.#random(2) === 0) pipe?.other.break(resetError('cut'));
  }

  /** Somebody on the way sends a request once more. */
  #repeat(): void {
    const field = this.#pick(this.#seen);
    if (field && this.#serve(field) !== undefined) this.faults.push('a repeated request was served');
  }

  #expire(): void {
    this.expired = true;
    this.#ends.onTick(Infinity);
  }

  /** A request arrives at the far end, or is lost. */
  #arrive(asked: Asked | undefined): void {
    if (!asked || asked.answer || asked.failure) return;
    if (this.near && this.#random(6) === 0) {
      asked.failure = new Error('lost');
      return;
    }
    const answer = this.#serve(asked.field);
    this.#seen.push(asked.field);
    if (!answer) {
      asked.failure = unknown;
      return;
    }
    const { near, far } = makePipe(this.#random);
    this.#pipes.push(near, far);
    this.transports++;
    const link = answer.start(toLink(far)) as Link | undefined;
    if (link) this.far = new App(link.flow as ResumableStream, 'far', this.faults);
    asked.answer = [answer.field];
    asked.near = near;
  }

  #serve(field: HeaderField): Answer<Link | void> | undefined {
    const message = readField([field]);
    if (message === undefined || message === 'broken') return undefined;
    if (message.kind === 'open') return this.near ? undefined : this.#ends.open(message, client, 600_000);
    const answer = message.kind === 'attach' ? this.#ends.resume(message, client) : 'unknown';
    return typeof answer === 'string' ? undefined : answer;
  }

  /** The answer arrives at the near end, or is lost. */
  #answer(asked: Asked | undefined): void {
    if (!asked || !(asked.answer ?? asked.failure)) return;
    this.#asked.splice(this.#asked.indexOf(asked), 1);
    if (asked.failure) return asked.reject(asked.failure);
    if (this.near && this.#random(6) === 0) {
      asked.near?.break(resetError('lost'));
      asked.near?.other.break(resetError('lost'));
      return asked.reject(new Error('lost'));
    }
    asked.resolve({ link: toLink(asked.near as PipeEnd), answer: asked.answer ?? [] });
  }

  #pick<T>(all: readonly T[]): T | undefined {
    return all.length > 0 ? all[this.#random(all.length)] : undefined;
  }
}
