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

/** The option of a descriptor that is told of the listeners. */
export const readyFdOption = option('ready-fd', asText, {
  value: 'N',
  summary: 'write ADDR:PORT of each listener to this descriptor, one per line, once all accept; then close it',
});

/** The options by which a script learns that every listener accepts, and where. */
export const readinessOptions = [portFileOption, readyFdOption] as const;

/** Tells those who wait for the listeners. */
export class Readiness {
  readonly #portFile: PortFile | undefined;
  #readyFd: ReadyFd | undefined;

  /** Opens what will be written, before anything else is. @throws {TunlError} usage */
  constructor(args: Arguments) {
    const [fd, path] = [args.get(readyFdOption), args.get(portFileOption)];
    this.#readyFd = fd === undefined ? undefined : prepareReadyFd(fd);
    this.#portFile = path === undefined ? undefined : preparePortFile(path);
  }

  /** Every listener accepts. Called again when there are others; a descriptor is told once. */
  announce(addresses: readonly Address[]): void {
    this.#portFile?.publish(formatLines(addresses, formatPort));
    this.#readyFd?.publish(formatLines(addresses, formatAddress));
    this.#readyFd = undefined;
  }

  /** They do no longer. */
  withdraw(): void {
    this.#portFile?.remove();
  }
}

function formatLines(addresses: readonly Address[], format: (address: Address) => string): string {
  return addresses.map((address) => `${format(address)}\n`).join('');
}

/** A Unix socket has no port; its line keeps the others in their places. */
function formatPort(address: Address): string {
  return address.kind === 'tcp' ? String(address.port) : formatAddress(address);
}
