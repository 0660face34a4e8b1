import type { ServerResponse } from 'node:http';
import { chooseTunnels, type TunnelChoice } from './choice.ts';
import type { Subject, TunnelFacts } from './subject.ts';

/** The most clients that follow at a time, each of which costs work every second. */
const maxClients = 8;

/** Time between two looks at the program, in milliseconds, and the looks between two readings of certificates. */
const [periodMs, looksPerReading] = [1000, 60];

/** One client that follows. */
interface Follower {
  readonly response: ServerResponse;
  readonly choice: TunnelChoice;
  readonly isOnce: boolean;
  /** Gives it another time in which to read. */
  readonly renew: () => void;
  /** The parts that it has been sent. */
  readonly sent: Map<string, string>;
}

/** The parts of what is shown, as JSON, by the names of their events. */
type Parts = ReadonlyMap<string, string>;

/**
 * Sends what changes in the program as server-sent events, each second. Every event is a whole part of what is shown, so a
 * client that reads slowly is sent nothing until it has read everything, and misses only what is out of date by then.
 */
export class Feed {
  readonly #subject: Subject;
  readonly #followers = new Set<Follower>();
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #certificates = '[]';

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** False if there are as many clients as may follow. */
  get hasRoom(): boolean {
    return this.#followers.size < maxClients;
  }

  /** Sends everything to a client whose head has been written, and then what changes; or with `isOnce` ends there. */
  follow(response: ServerResponse, choice: TunnelChoice, { renew, isOnce }: Pick<Follower, 'renew' | 'isOnce'>): void {
    const follower: Follower = { response, choice, isOnce, renew, sent: new Map() };
    this.#followers.add(follower);
    const forget = () => void this.#followers.delete(follower);
    response.once('close', forget);
    // An answer that waits behind another one hears nothing of its connection.
    response.req.socket.once('close', forget);
    // Another client has just been told of the certificates, and this one wants them at once.
    this.#looks = 0;
    clearTimeout(this.#timer);
    void this.#look();
  }

  async #look(): Promise<void> {
    try {
      const parts = await this.#readParts();
      const tunnels = this.#subject.listTunnels();
      for (const follower of this.#followers) this.#tell(follower, parts, tunnels);
    } catch {
      // A part that cannot be made now is looked at again.
    }
    clearTimeout(this.#timer);
    if (this.#followers.size > 0) this.#timer = setTimeout(() => void this.#look(), periodMs).unref();
  }

  async #readParts(): Promise<Parts> {
    const subject = this.#subject;
    if (this.#looks++ % looksPerReading === 0) {
      const facts = await subject.listCertificates();
      this.#certificates = JSON.stringify(facts.map(({ path, names, validTo }) => ({ path, names, validTo })));
    }
    const { version, uptimeMs, state } = subject;
    return new Map([
      ['state', JSON.stringify({ version, state: state(), uptime: Math.floor(uptimeMs() / 1000) })],
      ['totals', JSON.stringify(subject.readTotals())],
      ['stages', JSON.stringify(subject.listStages())],
      ['failures', JSON.stringify(subject.listFailures())],
      ['reading', JSON.stringify(subject.lastReading())],
      ['certificates', this.#certificates],
      ['drawing', JSON.stringify(await subject.drawGraph())],
    ]);
  }

  #tell({ response, choice, isOnce, renew, sent }: Follower, parts: Parts, live: readonly TunnelFacts[]): void {
    if (response.writableLength > 0) return;
    renew();
    const tunnels = JSON.stringify(chooseTunnels(live, choice));
    const news = [...parts, ['tunnels', tunnels] as const].filter(([name, text]) => sent.get(name) !== text);
    for (const [name, text] of news) sent.set(name, text);
    response.write(news.map(([name, text]) => `event: ${name}\ndata: ${text}\n\n`).join(''));
    if (isOnce) response.end();
  }
}
