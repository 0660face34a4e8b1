import type { Address } from './address.ts';
import { type IpBytes, toBytes } from './ip-bytes.ts';

/** True for an IP address by which a machine reaches itself: 127.0.0.0/8 (RFC 1122, section 3.2.1.3) and ::1 (RFC 4291, section 2.5.3). */
export function isLoopbackBytes(bytes: IpBytes): boolean {
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** True for `localhost` and for the loopback addresses in any spelling. Other names are not resolved. */
export function isLoopbackHost(host: string): boolean {
  const bytes = toBytes(host);
  return bytes === undefined ? host === 'localhost' : isLoopbackBytes(bytes);
}

/** True for a listener that only this machine can reach; false for an inherited descriptor, whose place is not known yet. */
export function isLoopback(address: Address): boolean {
  switch (address.kind) {
    case 'unix':
    case 'internal':
      return true;
    case 'fd':
      return false;
    case 'tcp':
      return isLoopbackHost(address.host);
  }
}
