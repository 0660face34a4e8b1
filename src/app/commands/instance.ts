import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { answerControl, type ControlSubject, type InstanceStatus } from '../../background/control.ts';
import { Entries, type Entry, makeInstanceId } from '../../background/entries.ts';
import { findStateFolder, makePrivateFolder, makeSocketFolder } from '../../background/folders.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import type { ListeningEvent, TunlEvent } from '../../core/events.ts';
import type { Link } from '../../core/link.ts';
import type { Listener } from '../../core/listener.ts';
import { listen } from '../../listeners/socket.ts';
import { toPrintable } from '../../syntax/text.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';
import { findInstance, nameTaken } from './instances.ts';
import type { RunningInstance } from './options.ts';

/** How often an instance looks whether its entry and its socket are still there, in milliseconds. */
const lookMs = 3000;

/** How often a name is tried again whose entry turns out to be of a killed process. */
const maxTries = 5;

/** A tunl that runs in the background. */
export interface InstanceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly name: string;
  /** The command line without secrets. */
  readonly command: string;
  /** Asks the process to end, as a SIGTERM does. */
  readonly stop: () => void;
  /** Default: `lookMs`. */
  readonly lookMs?: number;
}

/** Makes this process known by a name: an entry, and a control socket that answers for it. */
export class Instance implements RunningInstance {
  readonly #options: InstanceOptions;
  readonly #entries: Entries;
  readonly #id = makeInstanceId();
  readonly #started = Date.now();
  // The folder may be removed later.
  readonly #folder = process.cwd();
  readonly #listening = new Map<string, ListeningEvent>();
  #addresses: ReadonlySet<string> = new Set();
  #tunnels: Tunnels | undefined;
  #state: InstanceStatus['state'] = 'starting';
  #ended = { sent: 0, received: 0 };
  #lastFailure: InstanceStatus['lastFailure'] = null;
  #listener: Listener | undefined;
  readonly #links = new Set<Link>();
  #entry: Entry | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(options: InstanceOptions, folder: string) {
    this.#options = options;
    this.#entries = new Entries(folder);
  }

  /**
   * Takes a name, and answers on a control socket from then on.
   * @throws {TunlError} usage, if a living process has the name or a folder is not private
   */
  static async start(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options, await makePrivateFolder(findStateFolder(options.env)));
    try {
      await instance.#appear();
    } catch (error) {
      await instance.close();
      throw error;
    }
    instance.#look();
    return instance;
  }

  /** Notes the events of the command that the status tells of. */
  note(event: TunlEvent): void {
    switch (event.event) {
      case 'listening':
        this.#listening.set(event.address, event);
        return;
      case 'draining':
        this.#state = 'draining';
        return;
      case 'tunnel.closed':
        this.#ended.sent += event.sent;
        this.#ended.received += event.received;
        return;
      case 'tunnel.failed': {
        const { code, message } = event.error;
        this.#lastFailure = { time: new Date().toISOString(), code, message: toPrintable(message) };
        return;
      }
      default:
    }
  }

  /** Notes the addresses that accept now; those of before no longer count. */
  noteAddresses(addresses: readonly Address[]): void {
    this.#addresses = new Set(addresses.map(formatAddress));
  }

  /** Says that everything listens. */
  noteReady(tunnels: Tunnels): void {
    this.#tunnels = tunnels;
    if (this.#state === 'starting') this.#state = 'listening';
  }

  /** Tells what the control socket answers. */
  status(): InstanceStatus {
    const { name, command } = this.#options;
    const live = [...(this.#tunnels ?? [])];
    const sum = (key: 'sent' | 'received') =>
      live.reduce((total, { handle }) => total + (handle?.[key] ?? 0), this.#ended[key]);
    const listeners = [...this.#listening.values()]
      .filter(({ role, address }) => role === 'admin' || this.#addresses.has(address))
      .map(({ event: _event, ...facts }) => facts);
    return {
      version: 1,
      name,
      id: this.#id,
      pid: process.pid,
      state: this.#state,
      command,
      folder: this.#folder,
      started: new Date(this.#started).toISOString(),
      ms: Date.now() - this.#started,
      listeners,
      tunnels: live.length,
      sent: sum('sent'),
      received: sum('received'),
      lastFailure: this.#lastFailure,
    };
  }

  /** Gives the name free, and ends the connections of those who wait for the end. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isClosed = true;
    await this.#looking;
    await this.#entries.remove(this.#options.name, this.#id);
    await this.#listener?.close();
    for (const { stream } of this.#links) stream.destroy();
  }

  async #appear(): Promise<void> {
    const { name, env } = this.#options;
    await this.#openSocket();
    for (let tries = 0; tries < maxTries; tries++) {
      if (this.#entry && (await this.#entries.add(this.#entry))) return;
      const other = await findInstance(name, env);
      if (other) throw nameTaken(other);
    }
    throw nameTaken({ name, status: undefined });
  }

  async #openSocket(): Promise<void> {
    const { name, env, stop } = this.#options;
    const folder = await makeSocketFolder(env);
    const subject: ControlSubject = { status: () => this.status(), stop };
    const path = join(folder, `${makeInstanceId()}.sock`);
    this.#listener = await listen({ kind: 'unix', path }, (link) => {
      this.#links.add(link);
      link.stream.once('close', () => this.#links.delete(link));
      answerControl(link, subject);
    });
    this.#entry = { version: 1, name, id: this.#id, socket: path };
  }

  /** Looks from time to time whether others can still find this process: folders of a session are removed at its end. */
  #look(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#reappear()
        // Another process may have the name by now; once it ends, this one has it again.
        .catch(() => {})
        .finally(() => {
          if (!this.#isClosed) this.#look();
        });
    }, this.#options.lookMs ?? lookMs);
    this.#timer.unref();
  }

  async #reappear(): Promise<void> {
    const { name, env } = this.#options;
    const path = this.#entry?.socket ?? '';
    if (!(await lstat(path).catch(() => undefined))) {
      await this.#listener?.close();
      await this.#entries.remove(name, this.#id);
      await this.#openSocket();
    }
    if ((await this.#entries.read(name))?.id === this.#id) return;
    await makePrivateFolder(findStateFolder(env));
    if (!this.#entry || (await this.#entries.add(this.#entry))) return;
    // An entry of a killed process goes away when somebody asks for it.
    await findInstance(name, env);
    await this.#entries.add(this.#entry);
  }
}
