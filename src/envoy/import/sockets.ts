import { isIP } from 'node:net';
import type { Path } from '../../chain/read/document.ts';
import { formatIp, isUnspecified, toBytes } from '../../core/ip.ts';
import type { RouteValues } from '../../syntax/stage-settings.ts';
import { quote } from '../../syntax/text.ts';
import type { ClusterMessage } from '../schema/cluster.ts';
import type { SocketOptionMessage } from '../schema/listener.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';
import { assertOne } from './one-of.ts';

/** What becomes of an option: its one value that holds for all sockets of tunl, or what is different with any value. */
type Known = { readonly name: string } & ({ readonly value: number } | { readonly but: string });

/** The socket options of Linux that have something to do with what tunl does, by their level and name. */
const known = new Map<string, Known>([
  ['1/2', { name: 'SO_REUSEADDR', value: 1 }],
  ['1/9', { name: 'SO_KEEPALIVE', value: 1 }],
  ['6/1', { name: 'TCP_NODELAY', value: 1 }],
  ['1/15', { name: 'SO_REUSEPORT', but: 'no other process can listen on the port too' }],
  ['6/4', { name: 'TCP_KEEPIDLE', but: 'a peer that is silent for 30 seconds is asked whether it is there' }],
  ['6/5', { name: 'TCP_KEEPINTVL', but: 'the system decides how often it asks again' }],
  ['6/6', { name: 'TCP_KEEPCNT', but: 'the system decides how often it asks again' }],
]);

/** Reads the socket options of a listener: those that all sockets of tunl have, and those that change little. */
export function checkSocketOptions(
  options: readonly SocketOptionMessage[] = [],
  path: Path,
  reading: BootstrapDiagnostics,
): void {
  for (const [index, option] of options.entries()) checkOption(option, [...path, index], reading);
}

function checkOption(option: SocketOptionMessage, path: Path, reading: BootstrapDiagnostics): void {
  assertOne(path, option, ['int_value', 'buf_value'], reading);
  const { level = 0, name: number = 0, int_value: value } = option;
  const fact = known.get(`${level}/${number}`);
  const hint = 'leave it out; SO_KEEPALIVE, TCP_NODELAY and SO_REUSEADDR are always on';
  if (!fact) {
    reading.add(path, `the socket option ${number} of level ${level} is nothing that Node can set`, hint);
  } else if (value === undefined) {
    reading.add(path, `${fact.name} is set by buf_value, which tunl does not read`, 'write int_value');
  } else if ('but' in fact) {
    reading.notice('verbose', path, `${fact.name} makes no difference here: ${fact.but}`);
  } else if (value !== fact.value) {
    reading.add(path, `${fact.name} is ${value}, and Node sets it to ${fact.value} on all sockets of tunl`, hint);
  }
}

/** Reads the address of this machine that the connections of a cluster come from. */
export function readSource(
  { upstream_bind_config: bind }: ClusterMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): Pick<RouteValues, 'sourceAddress'> {
  const source = bind?.source_address;
  if (!source) return {};
  const at = [...path, 'upstream_bind_config', 'source_address'];
  const { address, port_value: port } = source;
  if (isIP(address) === 0) reading.add([...at, 'address'], `${quote(address)} is not an IP address of this machine`);
  if (port === undefined) reading.add(at, 'port_value is missing', 'write 0: the system chooses the port');
  else if (port !== 0)
    reading.add([...at, 'port_value'], 'the system chooses the port that tunl connects from', 'write 0');
  // The unspecified addresses leave the choice to the system.
  const bytes = toBytes(address);
  return bytes && !isUnspecified(bytes) ? { sourceAddress: formatIp(bytes) } : {};
}
