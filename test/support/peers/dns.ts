import { createSocket, type RemoteInfo } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { onTestFinished } from 'vitest';

/** The answer for a name: its addresses, none at all, or a failure. */
export type Zone = Readonly<Record<string, readonly string[] | 'silence' | 'failure'>>;

/** A name server on loopback that lives as long as the test. */
export interface NameServer {
  /** The address as a resolver accepts it: `127.0.0.1:PORT`. */
  readonly address: string;
  /** The questions in order of arrival, as `name A` or `name AAAA`. */
  readonly questions: readonly string[];
}

const types: Record<number, 'A' | 'AAAA'> = { 1: 'A', 28: 'AAAA' };
const noError = 0;
const serverFailure = 2;
const nameError = 3;

/** Starts a name server that answers from the zone; names that are not in it do not exist. */
export async function startNameServer(zone: Zone): Promise<NameServer> {
  const questions: string[] = [];
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.on('message', (query: Buffer, client: RemoteInfo) => {
    const { name, type, end } = readQuestion(query);
    questions.push(`${name} ${types[type] ?? type}`);
    const known = zone[name];
    if (known === 'silence') return;
    socket.send(writeAnswer(query.subarray(0, end), type, known), client.port, client.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${socket.address().port}`, questions };
}

/** Reads the question of a query (RFC 1035, section 4.1.2). */
function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at++); length > 0; length = query.readUInt8(at++)) {
    labels.push(query.toString('latin1', at, at + length));
    at += length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at), end: at + 4 };
}

function writeAnswer(question: Buffer, type: number, known: Zone[string] | undefined): Buffer {
  const addresses = typeof known === 'object' ? known : [];
  const family = types[type];
  const records = addresses
    .filter((address) => (isIPv4(address) ? 'A' : 'AAAA') === family)
    .map((address) => writeRecord(type, isIPv4(address) ? packIpv4(address) : packIpv6(address)));
  const head = Buffer.from(question);
  const code = known === undefined ? nameError : known === 'failure' ? serverFailure : noError;
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...records]);
}

/** Formats a record for the name of the question, with a TTL of 0. */
function writeRecord(type: number, data: Buffer): Buffer {
  const record = Buffer.alloc(12);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat([record, data]);
}

function packIpv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function packIpv6(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string) =>
    text
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail)];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(Uint16Array.from(all).buffer).swap16();
}
