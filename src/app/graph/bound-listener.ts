import { type Address, formatAddress } from '../../core/address.ts';
import type { ListeningEvent } from '../../core/events.ts';
import { type Link, resetError } from '../../core/link.ts';
import type { Listener } from '../../core/listener.ts';
import { listen } from '../../listeners/socket.ts';
import type { ReadyStage } from '../stages/stage.ts';

/** A listener of the system. It outlives the generation that opened it if the next one listens on the same address. */
export class BoundListener {
  readonly listener: Listener;
  readonly #queue: LinkQueue;

  private constructor(listener: Listener, queue: LinkQueue) {
    this.listener = listener;
    this.#queue = queue;
  }

  /**
   * Starts to listen. Links wait until `deliverTo` is called.
   * @throws {TunlError} address_in_use or usage
   */
  static async open(address: Address): Promise<BoundListener> {
    const queue = new LinkQueue();
    return new BoundListener(await listen(address, (link) => queue.deliver(link)), queue);
  }

  /** Passes the waiting Links, and all later ones, to a stage. */
  deliverTo(onLink: (link: Link) => void): void {
    this.#queue.deliverTo(onLink);
  }

  /** Resets the waiting Links, and all later ones at once: no stage will take them. */
  turnAway(): void {
    this.#queue.deliverTo((link) => link.reset(resetError('no stage takes it')));
  }
}

class LinkQueue {
  readonly #early: Link[] = [];
  #onLink: ((link: Link) => void) | undefined;

  deliver(link: Link): void {
    if (this.#onLink) this.#onLink(link);
    else this.#early.push(link);
  }

  deliverTo(onLink: (link: Link) => void): void {
    this.#onLink = onLink;
    for (const link of this.#early.splice(0)) onLink(link);
  }
}

/** A listener and the stage that takes its Links. */
export interface StageListener {
  readonly bound: BoundListener;
  readonly ready: ReadyStage;
}

/** A system address that a stage listens on. */
export interface ListenPlace {
  /** Equal for the same address in two graphs; the listener stays open then. */
  readonly key: string;
  readonly address: Address;
}

/**
 * Lists the system addresses that a stage listens on, without internal names. Two free ports are two places, identified
 * by stage and position.
 */
export function listPlaces({ stage }: ReadyStage): ListenPlace[] {
  return stage.listen.flatMap((address, position) => {
    if (address.kind === 'internal') return [];
    const isFree = address.kind === 'tcp' && address.port === 0;
    const text = formatAddress(address);
    return [{ key: isFree ? `${stage.name} ${position} ${text}` : text, address }];
  });
}

/** Makes the event that says where a stage listens. */
export function describeListening({ bound, ready: { stage, route } }: StageListener): ListeningEvent {
  const format = stage.job === 'forward' ? stage.targetFormat : undefined;
  const targets = format ?? stage.to?.targets.map(formatAddress).join('|');
  return {
    event: 'listening',
    role: stage.job === 'forward' ? 'forward' : 'serve',
    ...describePlace(bound.listener.address),
    ...(stage.job === 'forward' && targets !== undefined && { target: targets }),
    ...(stage.job === 'proxy' && stage.front !== undefined && { front: stage.front }),
    via: route.via,
  };
}

/** Formats an address for `listening` events. */
export function describePlace(address: Address): Pick<ListeningEvent, 'address' | 'port'> {
  return { address: formatAddress(address), ...(address.kind === 'tcp' && { port: address.port }) };
}
