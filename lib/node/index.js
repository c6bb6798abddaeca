// A client of aribusd. Documented in index.d.ts.
import {Dispatcher} from './dispatcher.js';
import {NotConnected} from './errors.js';
import {Group} from './group.js';
import {Call, GREETING, Session, pauses} from './session.js';
import {connectSocket} from './socket.js';
import {WITH_CONNECTIONS} from './transport.js';

export {Bridge, Channel} from './channel.js';
export {AribusError, BridgeGone, CallFailed, ChannelGone, InvalidParams, NotAllowed, NotConnected, NotOwner, OutcomeUnknown,
  PlaybackFailed, RecordingFailed, Refused, TooMuch, TooOld} from './errors.js';
export {Group, GroupCall} from './group.js';
export {newId} from './request.js';

const DEFAULT_PATH = '/run/aribus/aribus.sock';

export class Client {
  transport = 'unix';
  pbx = '';
  #opener; // makes a connection: see transport.js
  #session;
  #connection = null;
  #timer = null;
  #pauses = pauses();
  #waiting = []; // next() calls that wait for an item: [resolve, reject]
  #opened = null; // the promise of the first connection: {until, resolve, reject}
  #greeting = null; // the timer of the daemon's answer to `hello`
  #resting = false; // reading is paused for one turn of the event loop
  #closed = false;
  #dispatcher = null; // owns the subscription if the program does not
  #starting = null; // the promise of the dispatcher's start
  #isRead = false; // the program reads the items itself

  static connect({path, wait = 0, maxLineBytes} = {}) {
    const client = new Client();
    client.#session = new Session(maxLineBytes);
    client.#opener = (handlers) => connectSocket(path ?? (process.env.ARIBUS_SOCKET || DEFAULT_PATH), handlers);
    return new Promise((resolve, reject) => {
      client.#opened = {until: Date.now() + wait, resolve, reject};
      client.#connect();
    });
  }

  // A client whose connections `opener` makes; it does not wait for the first one.
  static [WITH_CONNECTIONS](opener, {transport, pbx}) {
    const client = new Client();
    Object.assign(client, {transport, pbx});
    client.#session = new Session();
    client.#opener = opener;
    client.#connect();
    return client;
  }

  get hello() { return this.#session.hello; }

  get cursor() { return this.#session.cursor; }

  async call(method, params = {}, options = {}) {
    if (method === 'subscribe' || method === 'unsubscribe') this.#beRead();
    return this.#run(method, params, options);
  }

  #run(method, params, {timeout} = {}) {
    return new Promise((resolve, reject) => {
      let timer = null;
      const call = new Call(method, params, (error, result) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(result);
      });
      this.#dispatcher?.makes(call);
      this.#session.call(call);
      if (timeout !== undefined && !call.finished) {
        timer = setTimeout(() => this.#session.giveUp(call, `no answer within ${timeout} ms`), timeout);
      }
      this.#readOn();
    });
  }

  async subscribe(params = {}) {
    const answer = await this.call('subscribe', params);
    const warnings = Array.isArray(answer?.warnings) ? answer.warnings : [];
    for (const text of warnings) process.emitWarning(`subscribe: ${text}`, 'AribusWarning');
  }

  async next() {
    this.#beRead();
    return this.#given();
  }

  async #given() {
    const item = await this.#next();
    if (item === null) throw new NotConnected('the client is closed');
    return item;
  }

  async *[Symbol.asyncIterator]() {
    this.#beRead();
    for (let item; (item = await this.#next()) !== null;) yield item;
  }

  group(group, params = {}) {
    if (this.#dispatcher) {
      throw new Error('this client serves calls, or is a member of a group already: use another Client beside it');
    }
    const dispatcher = this.#dispatcherMade();
    dispatcher.group = new Group(this, dispatcher, {group, ...params}, () => this.#dispatch());
    this.#session.renewWith(() => ({holds: dispatcher.group.holds}));
    return dispatcher.group;
  }

  async serve(app, handler, options) {
    if (this.#dispatcher?.group) {
      throw new Error('this client is a member of a group: use another Client to serve an application');
    }
    return this.#dispatcherMade().serve(app, handler, options, () => this.#dispatch());
  }

  async originate(endpoint, options = {}) {
    return (await this.#dispatch()).originate({endpoint, ...options});
  }

  async bridge(channels = [], options = {}) {
    return (await this.#dispatch()).bridge(channels, options);
  }

  close() {
    if (this.#dispatcher && !this.#dispatcher.isSettled && this.#session.ready) {
      return this.#dispatcher.settle().then(() => this.#close());
    }
    return Promise.resolve(this.#close());
  }

  // The program reads the records itself.
  #beRead() {
    if (this.#dispatcher) {
      throw new Error('this client serves calls, and has its subscription for that: use another Client beside it');
    }
    this.#isRead = true;
  }

  #dispatcherMade() {
    if (this.#isRead) {
      throw new Error('this client is subscribed by its program: use another Client to serve or originate calls');
    }
    this.#dispatcher ??= new Dispatcher({run: (...command) => this.#run(...command), next: () => this.#given(),
      isReady: () => this.#session.ready});
    return this.#dispatcher;
  }

  async #dispatch() {
    const dispatcher = this.#dispatcherMade();
    this.#starting ??= dispatcher.start();
    await this.#starting;
    return dispatcher;
  }

  #close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#greeting);
    this.#session.shut();
    this.#connection?.close();
    this.#hand();
  }

  // The next item; null when the client is closed and no item is left.
  #next() {
    return new Promise((resolve, reject) => {
      this.#waiting.push([resolve, reject]);
      this.#hand();
    });
  }

  // Passes queued items to waiting calls.
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
    if (this.#session.wantsMore) this.#connection?.resume();
    else this.#connection?.pause();
  }

  // Pauses reading for one turn: while data is available, the connection would not let other work run.
  #rest() {
    this.#resting = true;
    this.#connection?.pause();
    setImmediate(() => {
      this.#resting = false;
      this.#readOn();
    });
  }

  #connect() {
    let silent = false;
    this.#opener({
      opened: (connection) => {
        if (this.#closed) {
          connection.close();
          return;
        }
        this.#connection = connection;
        const patience = Math.max(GREETING.ms, (this.#opened?.until ?? 0) - Date.now());
        this.#greeting = setTimeout(() => {
          silent = true;
          connection.close();
        }, patience);
        this.#session.opened((text) => connection.send(text));
      },
      received: (data) => {
        try {
          this.#session.received(data);
        } finally {
          if (this.#session.ready) this.#ready();
          this.#rest();
          this.#hand();
        }
      },
      closed: (reason) => {
        this.#connection = null;
        clearTimeout(this.#greeting);
        if (!this.#closed) this.#lost(this.#session.end ?? (silent ? 'aribusd does not say who it is' : reason));
      },
      // The lease is over: others may have the calls.
      expired: () => {
        this.#session.startAnew();
        this.#dispatcher?.group?.expire();
      },
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
