// What a client knows of its commands and of the stream, without any input or output.
import {NotConnected, OutcomeUnknown, errorOf} from './errors.js';

export const MAX_LINE_BYTES = 128 * 1024 * 1024; // as in lib/client/connection.h
const MOST_PARTS = 4096;
const QUEUED = 1000; // records that wait for the program; the daemon's ring keeps what follows

// How long to wait before each attempt to connect, in ms, for ever.
export function* pauses() {
  for (let pause = 100; ; pause = Math.min(2 * pause, 1000)) yield pause * (0.8 + 0.2 * Math.random());
}

// A command. `done(error, result)` is called once.
export class Call {
  constructor(method, params = {}, done = () => {}) {
    this.method = method;
    this.params = params;
    this.text = JSON.stringify(params);
    // A key makes repeats safe, and a subscription is the same however often it is asked for.
    this.repeatable = 'key' in params || method === 'subscribe';
    this.internal = false;
    this.id = 0;
    this.sentTo = null; // the run of the daemon that has got it
    this.finished = false;
    this.done = done;
  }

  finish(error, result) {
    this.finished = true;
    this.done(error, result);
  }
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export class Session {
  items = []; // {item or error, cursor behind it}
  cursor = null; // behind what was handed out last
  ready = false; // connected, and the daemon has said who it is
  end = null; // why the daemon ends the connection, if it said so
  #send = () => {};
  #maxLineBytes;
  #parts = []; // of a line that has not come to its end
  #size = 0; // of them
  #run = ''; // which run of the daemon it is
  #number = 0;
  #calls = new Map();
  #subscription = null; // in force
  #place = null; // the cursor behind what came last
  #behind = false; // more came than may wait: it is fetched again later
  #told = false; // that there is no connection

  constructor(maxLineBytes = MAX_LINE_BYTES) { this.#maxLineBytes = maxLineBytes; }

  // Whether to read: what the program does not take stays in the daemon's ring.
  get wantsMore() { return this.items.length < QUEUED || this.#calls.size > 0; }

  // The connection.

  opened(send) {
    this.#send = send;
    this.#parts = [];
    this.#size = 0;
    this.end = null;
    this.#told = false;
    this.#writeOwn('hello', {});
  }

  // There is no connection, any more or yet.
  closed(reason) {
    this.ready = false;
    this.#send = () => {};
    for (const call of [...this.#calls.values()]) {
      if (call.internal || !call.repeatable) this.giveUp(call, reason);
    }
    if (!this.#told && this.#subscribes()) {
      this.items.push({item: {type: 'disconnected', reason}, cursor: this.#place});
    }
    this.#told = true;
  }

  // There will be no connection any more.
  shut() {
    this.#told = true;
    this.closed('the client was closed');
    for (const call of [...this.#calls.values()]) this.giveUp(call, 'the client was closed');
  }

  // Takes what came. Throws when it is nothing that aribusd sends: then the connection is to be ended.
  received(data) {
    for (let end; (end = data.indexOf(10)) >= 0; data = data.subarray(end + 1)) {
      this.#take(data.subarray(0, end));
      const line = Buffer.concat(this.#parts).toString();
      this.#parts = [];
      this.#size = 0;
      this.#line(line);
    }
    if (data.length > 0) this.#take(data);
  }

  #take(part) {
    this.#size += part.length;
    if (this.#size > this.#maxLineBytes) {
      this.#parts = [];
      throw new Error(`a line from aribusd is longer than ${this.#maxLineBytes} bytes`);
    }
    this.#parts.push(part);
    if (this.#parts.length > MOST_PARTS) this.#parts = [Buffer.concat(this.#parts)]; // many small ones take more memory
  }

  // What the program does.

  call(call) {
    if (this.ready) {
      this.#write(call);
    } else if (call.repeatable) {
      this.#enroll(call);
    } else {
      call.finish(new NotConnected(`not connected to aribusd: ${call.method} was not sent`));
    }
  }

  // Nobody waits for it any more.
  giveUp(call, reason) {
    this.#calls.delete(call.id);
    call.finish(call.sentTo === null
      ? new NotConnected(`${reason}: ${call.method} was not sent`)
      : new OutcomeUnknown(`${reason}, before ${call.method} was answered: its outcome is unknown`));
  }

  // The next item. Required: there is one.
  take() {
    const {item, error, cursor} = this.items.shift();
    this.cursor = cursor;
    if (this.#behind && this.items.length === 0 && this.ready) this.#subscribeAgain();
    if (error) throw error;
    return item;
  }

  // Inside.

  #subscribes() {
    return this.#subscription !== null || [...this.#calls.values()].some((call) => call.method === 'subscribe');
  }

  #enroll(call) {
    call.id = ++this.#number;
    this.#calls.set(call.id, call);
  }

  #write(call) {
    if (!call.id) this.#enroll(call);
    call.sentTo = this.#run;
    this.#send(`{"jsonrpc":"2.0","id":${call.id},"method":${JSON.stringify(call.method)},"params":${call.text}}\n`);
  }

  #writeOwn(method, params) {
    const call = new Call(method, params);
    call.internal = true;
    this.#write(call);
  }

  #subscribeAgain() {
    this.#writeOwn('subscribe', {...this.#subscription, since: this.#place});
  }

  #line(line) {
    if (line.trim() === '') return;
    const message = JSON.parse(line);
    if (message.method !== undefined) {
      if (!isObject(message.params)) throw new Error('aribusd has sent something unexpected');
      this.#notified(message.method, message.params);
      return;
    }
    const call = this.#calls.get(message.id);
    if (call === undefined) {
      if (message.id === null) this.end = message.error?.message ?? null;
      return;
    }
    let error = 'error' in message ? errorOf(message.error) : null;
    if (!error && call.method === 'subscribe' && !isObject(message.result)) error = errorOf(null);
    this.#calls.delete(message.id);
    if (call.method === 'hello' && call.internal) {
      this.#greeted(message.result ?? {});
      return;
    }
    if (call.method === 'subscribe') this.#subscribed(call, error, message.result);
    if (call.method === 'unsubscribe' && !error) this.#subscription = null;
    call.finish(error, message.result);
  }

  #notified(method, params) {
    if (this.items.length >= 2 * QUEUED) this.#behind = true;
    if (this.#behind || this.#place === null) return;
    const stream = this.#place.slice(0, this.#place.lastIndexOf(':'));
    this.#place = `${stream}:${method === 'event' ? params.seq : params.to}`;
    this.items.push({item: method === 'event' ? params : {type: 'lost', ...params}, cursor: this.#place});
  }

  #greeted(hello) {
    // Keys are remembered by one run of the daemon alone.
    this.#run = hello.started ?? '';
    this.ready = true;
    const waiting = [...this.#calls.values()];
    if (this.#subscription !== null) this.#subscribeAgain();
    for (const call of waiting) {
      const sameRun = call.sentTo === null || (call.sentTo === this.#run && this.#run !== '');
      if (sameRun || call.method === 'subscribe') this.#write(call);
      else this.giveUp(call, 'aribusd was restarted');
    }
  }

  #subscribed(call, error, result) {
    if (error) {
      if (call.internal) { // nobody else is told
        this.#subscription = null;
        this.items.push({error, cursor: this.#place});
      }
      return;
    }
    const caughtUp = this.#behind && call.internal && result.resumed;
    this.#behind = false;
    this.#place = String(result.cursor ?? '');
    if (!call.internal) {
      const {since, ...subscription} = call.params;
      this.#subscription = subscription;
    }
    if (!caughtUp) this.items.push({item: {type: 'subscribed', ...result}, cursor: this.#place});
  }
}
