import { toTunlError } from '../../core/errors.ts';
import { isIP } from 'node:net';
import type { Graph } from '../../chain/model/graph.ts';
import { type Address, formatAddress, type ListenAddress } from '../../core/address.ts';
import { type Listener, placesOf } from '../../core/listener.ts';
import { listen } from '../../listeners/socket.ts';
import { assertAdminNotOpen } from '../../policy/exposure.ts';
import type { AdminServer } from '../../telemetry/admin/server.ts';
import type { Subject } from '../../telemetry/admin/subject.ts';
import { assertNotLedTo } from '../off-limits.ts';

/** An open admin address and its server. */
interface AdminListener {
  readonly asked: string;
  readonly listener: Listener;
  readonly server: AdminServer;
}

/** A move that is half done: both the new and the old address are open. */
export interface AdminMove {
  /** The address, if it was newly opened. */
  readonly opened?: Address;
  finish(): Promise<void>;
  undo(): Promise<void>;
}

/** Holds the admin address of a running graph and moves it from one generation to the next. */
export class Admin {
  readonly #subject: () => Promise<Subject>;
  #listeners: readonly AdminListener[] = [];
  #awaited: ListenAddress | undefined;

  constructor(subject: () => Promise<Subject>) {
    this.#subject = subject;
  }

  /**
   * The current addresses and the one that is about to be opened, which is listed before the system accepts anything
   * there.
   */
  get places(): readonly Address[] {
    return [
      ...this.#listeners.flatMap(({ listener }) => placesOf(listener)),
      ...(this.#awaited ? [this.#awaited] : []),
    ];
  }

  /**
   * Opens the address that the graph names, while the previous one stays open.
   * @throws {TunlError} usage or address_in_use; nothing has changed then
   */
  async prepare(graph: Graph): Promise<AdminMove> {
    const { admin } = graph;
    const before = this.#listeners;
    if (!admin) return this.#move([], before);
    const asked = formatAddress(admin);
    const same = before.find((each) => each.asked === asked);
    if (same) return this.#move([same], before);
    this.#awaited = admin;
    try {
      const opened = await this.#open(admin, graph);
      return this.#move([opened], before, opened.listener.address);
    } finally {
      this.#awaited = undefined;
    }
  }

  async close(): Promise<void> {
    await this.#drop(this.#listeners);
  }

  async #open(admin: ListenAddress, graph: Graph): Promise<AdminListener> {
    const { createAdminServer } = await import('../../telemetry/admin/server.ts');
    const isName = admin.kind === 'tcp' && isIP(admin.host) === 0 && admin.host !== '*';
    const server = createAdminServer(await this.#subject(), {
      names: isName ? [admin.host.toLowerCase()] : [],
      isSocketFile: admin.kind === 'unix',
    });
    const listener = await listen(admin, (link) => server.accept(link)).catch((error: unknown) => {
      throw toTunlError(error).with({ setting: 'admin' });
    });
    const opened = { asked: formatAddress(admin), listener, server };
    this.#listeners = [...this.#listeners, opened];
    try {
      assertAdminNotOpen({ listen: listener.address, open: graph.adminOpen ?? false });
      for (const place of placesOf(listener)) assertNotLedTo(place, graph);
      return opened;
    } catch (error) {
      await this.#drop([opened]);
      throw error;
    }
  }

  #move(after: readonly AdminListener[], before: readonly AdminListener[], opened?: Address): AdminMove {
    return {
      ...(opened && { opened }),
      finish: () => this.#drop(before.filter((each) => !after.includes(each))),
      undo: () => this.#drop(after.filter((each) => !before.includes(each))),
    };
  }

  async #drop(listeners: readonly AdminListener[]): Promise<void> {
    await Promise.all(listeners.map(({ listener }) => listener.close()));
    for (const { server } of listeners) server.close();
    this.#listeners = this.#listeners.filter((each) => !listeners.includes(each));
  }
}
