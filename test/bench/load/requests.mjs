import { connect } from 'node:net';

// One buffer for all sockets of the process: `onread` is called while the bytes are in it.
const readBuffer = Buffer.allocUnsafe(256 * 1024);

/** A connection over which requests go one after the other. It reads heads with a Content-Length and nothing else. */
export class Requester {
  /** Called with the length of each piece of a body. */
  onBody = () => {};
  /** Called when an answer is complete. */
  onAnswer = () => {};
  /** Called when the connection ends, fails or answers with anything but 200. */
  onFailure = () => {};
  socket;
  #head = '';
  #left = 0;

  /** Resolves once it is connected to a port of this machine. */
  static open({ port }) {
    const requester = new Requester();
    return new Promise((resolve, reject) => {
      requester.socket = connect({
        port,
        host: '127.0.0.1',
        noDelay: true,
        onread: { buffer: readBuffer, callback: (length) => requester.#onRead(length) },
      });
      requester.socket.once('connect', () => resolve(requester));
      requester.socket.on('error', reject).on('close', () => requester.onFailure());
    });
  }

  #onRead(length) {
    for (let at = 0; at < length;) {
      if (this.#left === 0) at = this.#readHead(at, length);
      else {
        const taken = Math.min(this.#left, length - at);
        at += taken;
        this.#take(taken);
      }
    }
    return true;
  }

  /** Returns where the body begins, or the end of what was read. */
  #readHead(from, to) {
    this.#head += readBuffer.latin1Slice(from, to);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end === -1) return to;
    const head = this.#head;
    this.#head = '';
    const [, length] = /^HTTP\/1\.1 200 [^]*?\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end)) ?? [];
    if (length === undefined) {
      this.socket.destroy();
      return to;
    }
    this.#left = Number(length);
    if (this.#left === 0) this.onAnswer();
    return to - (head.length - end - 4);
  }

  #take(length) {
    this.#left -= length;
    this.onBody(length);
    if (this.#left === 0) this.onAnswer();
  }
}
