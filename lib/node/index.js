// A client of aribusd. What it promises: index.d.ts.
import net from 'node:net';

import {NotConnected, cannotConnect} from './errors.js';
import {Call, GREETING, Session, pauses} from './session.js';

export {AribusError, InvalidParams, NotAllowed, NotConnected, OutcomeUnknown, Refused, TooMuch, TooOld} from './errors.js';
export {newId} from './request.js';

const DEFAULT_PATH = '/run/aribus/aribus.sock';

export class Client {
  #path;
  #session;
  #socket = null;
  #timer = null;
  #pauses = pauses();
  #waiting = []; // for an item: [resolve, reject]
  #opened = null; // how the first connection came out: {until, resolve, reject}
  #greeting = null; // the timer of the daemon's answer to `hello`
  #resting = false; // between two pieces of what is read
  #closed = false;

  static connect({path, wait = 0, maxLineBytes} = {}) {
    const client = new Client();
    client.#session = new Session(maxLineBytes);
    client.#path = path ?? (process.env.ARIBUS_SOCKET || DEFAULT_PATH);
    return new Promise((resolve, reject) => {
      client.#opened = {until: Date.now() + wait, resolve, reject};
      client.#connect();
    });
  }

  get hello() { return this.#session.hello; }

  get cursor() { return this.#session.cursor; }

  call(method, params = {}, {timeout} = {}) {
    return new Promise((resolve, reject) => {
      let timer = null;
      const call = new Call(method, params, (error, result) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(result);
      });
      this.#session.call(call);
      if (timeout !== undefined && !call.finished) {
        timer = setTimeout(() => this.#session.giveUp(call, `no answer within ${timeout} ms`), timeout);
      }
      this.#readOn();
    });
  }

  async subscribe(params = {}) {
    await this.call('subscribe', params);
  }

  async next() {
    const item = await this.#next();
    if (item === null) throw new NotConnected('the client is closed');
    return item;
  }

  async *[Symbol.asyncIterator]() {
    for (let item; (item = await this.#next()) !== null;) yield item;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#greeting);
    this.#session.shut();
    this.#socket?.destroy();
    this.#hand();
  }

  // The next item; null when the client is closed, and none is left.
  #next() {
    return new Promise((resolve, reject) => {
      this.#waiting.push([resolve, reject]);
      this.#hand();
    });
  }

  // Gives the items that are there to those who wait for them.
  #hand() {
    const session = this.#session;
    while (this.#waiting.length > 0 && session.items.length > 0) {
      const [resolve, reject] = this.#waiting.shift();
      try {
        resolve(session.take());
      } catch (error) {
        reject(error);
      }
    }
    if (this.#closed) {
      for (const [resolve] of this.#waiting.splice(0)) resolve(null);
    }
    this.#readOn();
  }

  #readOn() {
    if (this.#resting) return;
    if (this.#session.wantsMore) this.#socket?.resume();
    else this.#socket?.pause();
  }

  // While there is more to be read, the socket would let nobody else go on.
  #rest() {
    this.#resting = true;
    this.#socket?.pause();
    setImmediate(() => {
      this.#resting = false;
      this.#readOn();
    });
  }

  #connect() {
    const socket = net.connect(this.#path);
    let connected = false, reason = 'aribusd has closed the connection';
    socket.on('connect', () => {
      if (this.#closed) {
        socket.destroy();
        return;
      }
      connected = true;
      socket.cork();
      this.#socket = socket;
      const patience = Math.max(GREETING.ms, (this.#opened?.until ?? 0) - Date.now());
      this.#greeting = setTimeout(() => {
        reason = 'aribusd does not say who it is';
        socket.destroy();
      }, patience);
      this.#session.opened((text) => socket.write(text));
      // A daemon that turns programs away has said why: that is read before a write fails, and forgets it.
      setImmediate(() => setImmediate(() => socket.uncork()));
    });
    socket.on('data', (data) => {
      try {
        this.#session.received(data);
      } catch (error) {
        socket.destroy(error);
      }
      if (this.#session.ready) this.#ready();
      this.#rest();
      this.#hand();
    });
    socket.on('error', (error) => {
      reason = connected ? `the connection to aribusd broke: ${error.message}` : cannotConnect(this.#path, error);
    });
    socket.on('close', () => {
      this.#socket = null;
      clearTimeout(this.#greeting);
      if (!this.#closed) this.#lost(this.#session.end ?? reason);
    });
  }

  #ready() {
    clearTimeout(this.#greeting);
    this.#pauses = pauses();
    this.#opened?.resolve(this);
    this.#opened = null;
  }

  #lost(reason) {
    if (this.#opened && Date.now() >= this.#opened.until) {
      this.#opened.reject(new NotConnected(reason));
      this.#closed = true;
      return;
    }
    this.#session.closed(reason);
    this.#hand();
    this.#timer = setTimeout(() => this.#connect(), this.#pauses.next().value);
  }
}
