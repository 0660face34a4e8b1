import { connect } from 'node:net';

// One buffer for all sockets of the process: `onread` is called while the bytes are in it.
const readBuffer = Buffer.allocUnsafe(256 * 1024);

/** A tunnel that is not open by then counts as failed. */
const openMs = 10_000;

/**
 * A connection to the origin: through an HTTP proxy (`form: 'connect'`), or to a port that leads
 * there by itself (`form: 'raw'`). As cheap as Node allows, so that what is measured is the proxy.
 */
export class Tunnel {
  /** Called with the number of payload bytes of each read. */
  onBytes = () => {};
  /** Called when the connection fails or is closed. */
  onClose = () => {};
  socket;
  #head = '';
  #inHead;
  #settle;

  /** Resolves with an open tunnel on which nothing was sent yet. */
  static open(way) {
    const tunnel = new Tunnel();
    return new Promise((resolve, reject) => tunnel.#connect(way, resolve, reject));
  }

  #connect({ port, form, originPort }, resolve, reject) {
    this.#inHead = form === 'connect';
    const timer = setTimeout(() => this.socket.destroy(), openMs);
    this.#settle = (error) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(this);
    };
    this.socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      allowHalfOpen: true,
      onread: { buffer: readBuffer, callback: (length) => this.#onRead(length) },
    });
    this.socket.on('error', (error) => this.#settle(error));
    this.socket.on('close', () => {
      this.#settle(new Error('closed before the tunnel was open'));
      this.onClose();
    });
    this.socket.on('connect', () => {
      if (!this.#inHead) return this.#settle();
      const authority = `127.0.0.1:${originPort}`;
      this.socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, 'latin1');
    });
  }

  #onRead(length) {
    if (!this.#inHead) {
      this.onBytes(length);
      return true;
    }
    // The origin is silent until it is asked, so nothing can follow the head.
    this.#head += readBuffer.latin1Slice(0, length);
    if (!this.#head.endsWith('\r\n\r\n')) return true;
    this.#inHead = false;
    const [line] = this.#head.split('\r\n', 1);
    this.#settle(/^HTTP\/1\.[01] 2/.test(line) ? undefined : new Error(`the proxy answered ${line}`));
    return true;
  }
}
