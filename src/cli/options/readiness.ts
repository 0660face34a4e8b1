import { type Address, formatAddress } from '../../core/address.ts';
import type { Arguments } from '../parse/arguments.ts';
import { asText, option } from '../parse/option.ts';
import { type PortFile, preparePortFile } from './port-file.ts';
import { prepareReadyFd, type ReadyFd } from './ready-fd.ts';

const portFileOption = option('port-file', asText, {
  value: 'FILE',
  summary:
    'write the port of each listener to this file, one per line, once all accept; written anew when a reload changes them, removed at the end',
  completes: 'file',
});

/** The option that names a descriptor to which the listeners are written. */
export const readyFdOption = option('ready-fd', asText, {
  value: 'N',
  summary: 'write ADDR:PORT of each listener to this descriptor, one per line, once all accept; then close it',
});

/** The options that tell a script when all listeners accept, and where. */
export const readinessOptions = [portFileOption, readyFdOption] as const;

/** Tells waiting scripts when the listeners are ready. */
export class Readiness {
  readonly #portFile: PortFile | undefined;
  #readyFd: ReadyFd | undefined;

  /** Prepares the file and the descriptor, before any listener is opened. @throws {TunlError} usage */
  constructor(args: Arguments) {
    const [fd, path] = [args.get(readyFdOption), args.get(portFileOption)];
    this.#readyFd = fd === undefined ? undefined : prepareReadyFd(fd);
    this.#portFile = path === undefined ? undefined : preparePortFile(path);
  }

  /** Announces that all listeners accept. If they change, a second call rewrites the file; the descriptor is written once. */
  announce(addresses: readonly Address[]): void {
    this.#portFile?.publish(formatLines(addresses, formatPort));
    this.#readyFd?.publish(formatLines(addresses, formatAddress));
    this.#readyFd = undefined;
  }

  /** Removes the file, because the listeners no longer accept. */
  withdraw(): void {
    this.#portFile?.remove();
  }
}

function formatLines(addresses: readonly Address[], format: (address: Address) => string): string {
  return addresses.map((address) => `${format(address)}\n`).join('');
}

/** Formats the port. A Unix socket has none, so its address stands there and keeps the lines in order. */
function formatPort(address: Address): string {
  return address.kind === 'tcp' ? String(address.port) : formatAddress(address);
}
