// The server behind HTTP stages: as cheap as Node allows. It reads bodies with a Content-Length and no others.
import { createServer } from 'node:net';
import { largeBody, smallBody } from './wire.mjs';

const small = makeAnswer(smallBody);
const large = makeAnswer(largeBody);

const server = createServer({ noDelay: true }, (socket) => {
  let head = '';
  let left = 0;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (left > 0) {
        const taken = Math.min(left, chunk.length - at);
        at += taken;
        left -= taken;
        if (left === 0) socket.write(small);
        continue;
      }
      head += chunk.latin1Slice(at);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      at = chunk.length - (head.length - end - 4);
      left = answer(socket, head.slice(0, end));
      head = '';
    }
  });
});

/** Answers a request without a body, or returns the length of its body. */
function answer(socket, head) {
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (/\r\ntransfer-encoding:/i.test(head)) socket.end('HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n');
  else if (Number(length) > 0) return Number(length);
  else socket.write(head.startsWith('GET /large ') ? large : small);
  return 0;
}

function makeAnswer(length) {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length, 'tunl')]);
}

process.once('message', ({ backlog }) => {
  server.listen({ port: 0, host: '127.0.0.1', backlog }, () => process.send({ port: server.address().port }));
});
process.on('disconnect', () => process.exit());
