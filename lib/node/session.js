// The state of a client's commands and subscription, without input or output.
import {AribusError, NotConnected, NotOwner, OutcomeUnknown, errorOf} from './errors.js';
import {REQUEST_BYTES, encoded, hasKey, isObject, tooLong, withId} from './request.js';
import {Subscription} from './subscription.js';

export const MAX_LINE_BYTES = 128 * 1024 * 1024; // as in lib/client/connection.h
const MOST_PARTS = 4096;
const QUEUED = 1000; // records queued for the program; the daemon's ring keeps further ones
export const GREETING = {ms: 10_000}; // for the daemon to answer `hello` once it has accepted the connection
const NOTIFICATIONS = ['event', 'lost', 'assigned', 'released', 'left']; // others must be requested, or are newer than this library
const UNREADABLE = [-32700, -32600]; // errors about a line; they have no id if none was found in the line

// The delays before each attempt to connect, in ms; endless.
export function* pauses() {
  for (let pause = 100; ; pause = Math.min(2 * pause, 1000)) yield pause * (0.8 + 0.2 * Math.random());
}

// A command. `done(error, result)` is called once. Throws InvalidParams for parameters that can't be sent.
export class Call {
  constructor(method, params = {}, done = () => {}, internal = false) {
    const given = withId(method, params);
    this.method = String(method);
    this.text = internal ? JSON.stringify(given) : encoded(this.method, given);
    this.internal = internal;
    this.mayAnnounce = method === 'subscribe' && isObject(given) && given.announce === undefined;
    this.changesSubscription = method === 'subscribe' || method === 'unsubscribe';
    // A key makes repeats safe, and subscribing is idempotent.
    this.repeatable = this.changesSubscription || hasKey(given);
    this.id = 0;
    this.line = 0; // its line number on this connection; 0: not sent over it
    this.sentTo = null; // the run of the daemon that it was sent to
    this.finished = false;
    this.done = done;
  }

  finish(error, result) {
    if (this.finished) return;
    this.finished = true;
    this.done(error, result);
  }
}

export class Session {
  items = []; // {item: item or error, cursor}
  cursor = null; // of the item that was handed out last
  hello = null; // the daemon's latest answer to `hello`
  ready = false; // connected, and the daemon has answered `hello`
  end = null; // why the daemon closes the connection, if that was its last message
  #send = () => {};
  #maxLineBytes;
  #queued;
  #parts = []; // of an incomplete line
  #size = 0; // of the parts, in bytes
  #run = ''; // identifies the run of the daemon
  #requestBytes = REQUEST_BYTES; // the daemon's maximum for a line
  #number = 0; // the latest id
  #lines = 0; // sent over this connection
  #calls = new Map(); // not answered yet, or (with a key) to be sent again
  #subscription = new Subscription((item) => this.#tell(item), ownCall);
  #told = false; // the program was told that there is no connection
  #shut = false; // there will be no other connection

  constructor(maxLineBytes = MAX_LINE_BYTES, queued = QUEUED) {
    this.#maxLineBytes = maxLineBytes;
    this.#queued = queued;
  }

  // `renewal()` is added to the parameters of a subscription that is renewed.
  renewWith(renewal) { this.#subscription.renewal = renewal; }

  // The subscription is renewed without `since`, and items that were not handed out are dropped.
  startAnew() {
    this.items = this.items.filter(({item}) => item instanceof AribusError);
    this.#subscription.place = null;
  }

  // Whether to read from the socket: records that the program does not take stay in the daemon's ring.
  get wantsMore() {
    return this.items.length < this.#queued || this.#subscription.hasWaiting
      || [...this.#calls.values()].some((call) => call.internal || !call.finished);
  }

  // The connection.

  opened(send) {
    this.#send = send;
    this.#parts = [];
    this.#size = 0;
    this.#lines = 0;
    this.#requestBytes = REQUEST_BYTES; // until this daemon's `hello` is known
    this.end = null;
    this.#told = false;
    this.#write(ownCall('hello', {}));
  }

  // The connection has ended, or an attempt has failed.
  closed(reason) {
    this.ready = false;
    this.#send = () => {};
    const expected = this.#subscription.isExpected;
    this.#subscription.disconnected();
    for (const call of [...this.#calls.values()]) {
      call.line = 0;
      if (call.changesSubscription || call.internal || call.finished) this.#calls.delete(call.id);
      else if (!call.repeatable) this.giveUp(call, reason);
    }
    if (!this.#told && expected) this.#tell({type: 'disconnected', reason});
    this.#told = true;
  }

  // The client is closed: there will be no other connection.
  shut() {
    this.#told = true;
    this.#shut = true;
    for (const call of [...this.#subscription.shut(), ...this.#calls.values()]) this.giveUp(call, 'the client was closed');
    this.closed('the client was closed');
  }

  // Handles received data. Throws if it is not aribusd's protocol: the connection must then be closed.
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

  // Called by the program.

  call(call) {
    const error = tooLong(Buffer.byteLength(this.#request(call)), this.#requestBytes);
    if (error) {
      call.finish(error);
    } else if (this.#shut) {
      this.giveUp(call, 'the client is closed');
    } else if (call.changesSubscription) {
      this.#subscription.ask(call);
      this.#goOn();
    } else if (this.ready) {
      this.#write(call);
    } else if (call.repeatable) {
      this.#enroll(call);
    } else {
      call.finish(new NotConnected(`not connected to aribusd: ${call.method} was not sent`));
    }
  }

  // Ends the call with an error. If it was sent it stays in #calls, so that its answer is not assigned to another.
  giveUp(call, reason) {
    this.#subscription.forget(call);
    if (!call.line) this.#calls.delete(call.id);
    call.finish(call.sentTo === null
      ? new NotConnected(`${reason}: ${call.method} was not sent`)
      : new OutcomeUnknown(`${reason}, before ${call.method} was answered: its outcome is unknown`));
  }

  // The next item. Required: `items` is not empty.
  take() {
    const {item, cursor} = this.items.shift();
    this.cursor = cursor;
    this.#goOn();
    if (item instanceof AribusError) throw item;
    return item;
  }

  // Inside.

  #tell(item) {
    this.items.push({item, cursor: this.#subscription.place});
  }

  // Sends the requests of the subscription.
  #goOn() {
    for (let call; this.ready && (call = this.#subscription.nextRequest(this.items.length === 0));) this.#write(call);
  }

  #enroll(call) {
    if (!call.id) call.id = ++this.#number;
    this.#calls.set(call.id, call);
  }

  #request(call) {
    let {text} = call;
    if (call.mayAnnounce && Array.isArray(this.hello?.features) && this.hello.features.includes('announce')) {
      text = `{"announce":true${text === '{}' ? '' : ','}${text.slice(1)}`;
    }
    return `{"jsonrpc":"2.0","id":${call.id},"method":${JSON.stringify(call.method)},"params":${text}}`;
  }

  #write(call) {
    this.#enroll(call);
    const line = this.#request(call);
    const error = tooLong(Buffer.byteLength(line), this.#requestBytes);
    if (error) {
      this.#finish(call, error);
      return;
    }
    call.line = ++this.#lines;
    call.sentTo = this.#run;
    this.#send(`${line}\n`);
  }

  #line(line) {
    if (line.trim() === '') return;
    const message = JSON.parse(line);
    this.end = null; // the connection did not end after that message
    if (message.method !== undefined) {
      if (NOTIFICATIONS.includes(message.method)) this.#notified(message.method, message.params);
      return;
    }
    if (message.id === null && 'error' in message) {
      this.#stray(message.error);
      return;
    }
    const call = this.#calls.get(message.id);
    if (call?.line) this.#finish(call, 'error' in message ? errorOf(message.error) : null, message.result);
  }

  // An error without an id: about a line that the daemon could not read, or why it closes the connection.
  #stray(error) {
    const sent = [...this.#calls.values()].filter((call) => call.line);
    let line = error?.data?.line;
    // From a daemon that does not report the line number.
    if (line === undefined && UNREADABLE.includes(error?.code) && sent.length === 1) line = sent[0].line;
    const call = sent.find((one) => one.line === line);
    if (call) this.#finish(call, errorOf(error));
    else this.end = error?.message ?? null;
    const ending = call ? null : errorOf(error);
    if (ending instanceof NotOwner) this.#subscription.ended(ending);
  }

  // Ends a call that was answered.
  #finish(call, error, result) {
    this.#calls.delete(call.id);
    call.line = 0;
    if (!error && call.method === 'subscribe' && !isObject(result)) error = errorOf(null);
    if (call.internal && call.method === 'hello') {
      this.#greeted(result ?? {});
      return;
    }
    if (call === this.#subscription.asked) this.#subscription.answered(error, result);
    call.finish(error, result);
    this.#goOn();
  }

  #notified(method, params) {
    if (!isObject(params)) throw new Error('aribusd has sent something unexpected');
    const {place} = this.#subscription;
    if (this.items.length >= 2 * this.#queued) this.#subscription.fellBehind();
    if (!this.#subscription.isInForce || place === null) return;
    const tellsAgain = method === 'assigned' && params.reason === 'lost'; // in place of no record
    if (method !== 'left' && !tellsAgain) {
      this.#subscription.place = `${place.slice(0, place.lastIndexOf(':'))}:${method === 'lost' ? params.to : params.seq}`;
    }
    this.#tell(method === 'event' ? params : {type: method, ...params});
  }

  #greeted(hello) {
    // The daemon remembers idempotency keys only until it restarts.
    this.#run = hello.started ?? '';
    this.hello = hello;
    this.ready = true;
    const limit = hello.limits?.request_bytes;
    this.#requestBytes = Number.isInteger(limit) && limit > 0 ? limit : REQUEST_BYTES;
    const waiting = [...this.#calls.values()];
    this.#goOn();
    for (const call of waiting) {
      if (call.sentTo === null || (call.sentTo === this.#run && this.#run !== '')) this.#write(call);
      else this.giveUp(call, 'aribusd was restarted');
    }
  }
}

function ownCall(method, params) {
  return new Call(method, params, () => {}, true);
}
