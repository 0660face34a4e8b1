// The server at the end of every tunnel. The first byte of a connection says what it is to do:
//   D  send for ever     U  read for ever, one byte back for each `bytesPerAck`     E  echo
import { createServer } from 'node:net';
import { bytesPerAck } from './wire.mjs';

const block = Buffer.alloc(256 * 1024, 'tunl');
const acks = Buffer.alloc(1024, '.');

const roles = { D: sendForever, U: readForever, E: (socket) => socket.on('data', (chunk) => socket.write(chunk)) };

const server = createServer({ allowHalfOpen: false, noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.once('data', (chunk) => {
    roles[String.fromCharCode(chunk[0])]?.(socket);
    if (chunk.length > 1) socket.emit('data', chunk.subarray(1));
  });
});

function sendForever(socket) {
  const send = (error) => void (error || socket.write(block, send));
  // Two writes under way, so that the system always has one to work on.
  send();
  send();
}

function readForever(socket) {
  let unacknowledged = 0;
  socket.on('data', (chunk) => {
    unacknowledged += chunk.length;
    const due = Math.floor(unacknowledged / bytesPerAck);
    if (due === 0) return;
    unacknowledged -= due * bytesPerAck;
    socket.write(acks.subarray(0, due));
  });
}

process.once('message', ({ backlog }) => {
  server.listen({ port: 0, host: '127.0.0.1', backlog }, () => process.send({ port: server.address().port }));
});
process.on('disconnect', () => process.exit());
