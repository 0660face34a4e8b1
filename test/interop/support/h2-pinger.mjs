// Sends PINGs in an HTTP/2 session of its own, one after the other. Each message of its parent is answered with the
// median of the round trips since the last one, in milliseconds.
import { connect } from 'node:net';

const headBytes = 9;
const [port] = process.argv.slice(2);
const types = { settings: 4, ping: 6 };
const ack = 1;

function frame(type, flags, payload) {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  return Buffer.concat([head, payload]);
}

const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
let pending = Buffer.alloc(0);
let sentAt = 0;
let times = [];

function ping() {
  sentAt = performance.now();
  socket.write(frame(types.ping, 0, Buffer.alloc(8)));
}

socket.write(
  Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(types.settings, 0, Buffer.alloc(0))]),
);
ping();
socket.on('data', (chunk) => {
  pending = Buffer.concat([pending, chunk]);
  while (pending.length >= headBytes) {
    const end = headBytes + pending.readUIntBE(0, 3);
    if (pending.length < end) return;
    const [type, flags, payload] = [pending[3], pending[4], pending.subarray(headBytes, end)];
    pending = pending.subarray(end);
    const isAck = (flags & ack) !== 0;
    if (type === types.settings && !isAck) socket.write(frame(types.settings, ack, Buffer.alloc(0)));
    if (type === types.ping && !isAck) socket.write(frame(types.ping, ack, payload));
    if (type !== types.ping || !isAck) continue;
    times.push(performance.now() - sentAt);
    // Seldom enough that it pays for its PINGs: 100 in a second.
    setTimeout(ping, 10);
  }
});

process.on('message', () => {
  const sorted = times.toSorted((a, b) => a - b);
  times = [];
  process.send(sorted[Math.floor(sorted.length / 2)] ?? null);
});
