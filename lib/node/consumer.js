// A durable consumer of one PBX's stream in NATS.
import {errors} from '@nats-io/transport-node';

import {AribusError, NotAllowed, NotConnected} from './errors.js';
import {refusal} from './request.js';

const REPORTS = ['_._.lost', '_._.bus%2Erestarted']; // what aribus-nats itself puts into the stream: no filter leaves it out
const BATCH = 100; // messages that are asked for at a time
const PAUSE = 1000; // before JetStream is asked again
const EXPIRED = 10_000; // how often a filtered consumer is compared with what the stream still holds
const HEARTBEAT = 5000;
const NOT_FOUND = 404;

class Found {
  // item: null of a record that is not wanted. message: to be acknowledged, if there is one.
  constructor(consumer, sequence, item, cursor, message) {
    Object.assign(this, {consumer, sequence, item, cursor, message});
  }

  dealtWith() {
    this.consumer.dealtWith = Math.max(this.consumer.dealtWith, this.sequence);
    if (this.message) acknowledge(this.message);
  }
}

// A durable consumer of one PBX's stream.
//
// NATS delivers again what was not acknowledged, but late and behind newer records. So the order is made here: what a
// process before, or a connection that broke, has left is read from the stream itself, and what then comes again is passed
// over. An acknowledgement (`ack_policy` all) counts for all before it.
//
// A nats-server that was killed may have lost the newest messages, and then holds others under the same sequences. After
// each new connection their cursors tell.
export class Consumer {
  dealtWith = 0; // the stream's sequence up to which the program has all behind it
  #connection;
  #manager;
  #name;
  #stream;
  #wanted; // lists of tokens: servers, apps, types
  #start;
  #subjects = []; // the consumer's filter; none: it has the whole stream
  #last = 0; // the stream's sequence up to which all was handed out
  #lookedAt = 0; // up to which the consumer has looked
  #next = 0; // of the consumer's own sequence, which has no holes
  #left = 0; // up to which a process before, or a connection that broke, may have left something; 0: nothing
  #handedOut = new Map(); // the last seq of each stream of aribusd's
  #repeated = 0; // the stream's sequence up to which it may hold again what was handed out
  #isNew = false; // the connection
  #looked = Date.now();
  #messages = null;
  #status = null; // of the connection
  #denied = null; // the error of NATS
  #closed = false;

  constructor(connection, manager, name, pbx, wanted, start) {
    this.pbx = pbx;
    this.#connection = connection;
    this.#manager = manager;
    this.#name = name;
    this.#stream = `ARIBUS_${pbx}`;
    this.#wanted = wanted;
    this.#start = start;
  }

  async open() {
    if (!this.#connection.info) throw new NotConnected('not connected to NATS');
    const [major, minor] = this.#connection.info.version.split('.').map(Number);
    const subjects = major > 2 || minor >= 10 ? this.#filter() : [];
    const info = await this.#ask(async () => await this.#info() ?? this.#make(subjects));
    this.#check(info, subjects);
    this.#subjects = filterOf(info);
    this.#last = this.#lookedAt = (info.num_ack_pending > 0 ? info.ack_floor : info.delivered).stream_seq;
    this.#next = info.delivered.consumer_seq + 1;
  }

  async close() {
    this.#closed = true;
    this.#status?.return();
    await this.#messages?.close();
  }

  // What NATS says beside: that there is a new connection, and that it does not allow a request for messages, which it does
  // not answer.
  async #watch(status) {
    this.#status = status[Symbol.asyncIterator]();
    for (let next; !(next = await this.#status.next()).done;) {
      const {type, error} = next.value;
      if (type === 'reconnect') {
        this.#isNew = true;
        await this.#messages?.close();
      }
      if (error instanceof errors.PermissionViolationError && error.subject.endsWith(`.${this.#stream}.${this.#name}`)) {
        this.#denied = error;
        await this.#messages?.close();
      }
    }
  }

  #notAllowed(error) {
    return new NotAllowed(`reading ${this.#stream} under the name ${this.#name}: this user's permissions do not allow it: `
      + error.message);
  }

  async flush() {
    if (this.#connection.info && !this.#connection.isClosed()) await this.#connection.flush();
  }

  // All of them, without an end.
  async *messages() {
    this.#watch(this.#connection.status());
    if (this.#subjects.length > 0) yield* await this.#expired();
    do {
      this.#isNew = false;
      await this.#lookBack();
      while (this.#left > 0 && !this.#closed && !this.#isNew) {
        yield* this.#catchUp();
        if (this.#left > 0) await pause();
      }
      yield* this.#delivered();
    } while (!this.#closed);
  }

  // What the consumer delivers, until there is a new connection.
  async *#delivered() {
    const info = await this.#patiently(() => this.#existing());
    this.#messages = await this.#manager.jetstream().consumers.getConsumerFromInfo(info).consume(
      {max_messages: BATCH, idle_heartbeat: HEARTBEAT, abort_on_missing_resource: true});
    if (this.#closed || this.#isNew) this.#messages.close();
    let ended = new AribusError(`NATS delivers nothing more to the consumer ${this.#name} of the stream ${this.#stream}`);
    try {
      for await (const message of this.#messages) {
        yield* this.#took(message);
        if (this.#subjects.length > 0 && Date.now() - this.#looked > EXPIRED) yield* await this.#expired();
      }
    } catch (error) {
      ended = error;
    }
    if (this.#closed || this.#isNew) return;
    if (this.#denied) throw this.#notAllowed(this.#denied);
    if (this.#connection.isClosed()) throw new NotConnected('the connection to NATS is closed');
    await this.#existing();
    throw ended;
  }

  async *#took(message) {
    const {streamSequence, deliverySequence} = message.info;
    if (streamSequence <= this.#last) { // it came again
      if (streamSequence <= this.dealtWith) acknowledge(message);
    } else {
      // What is between was delivered, and has not come.
      if (this.#left > 0 || deliverySequence !== this.#next) yield* this.#between(streamSequence - 1);
      yield* this.#handed(streamSequence, message, message.headers);
    }
    this.#next = deliverySequence + 1;
  }

  // Goes back to where the stream is still what was handed out: nats-server may have lost the end of it.
  async #lookBack() {
    const {state} = await this.#patiently(() => this.#manager.streams.info(this.#stream));
    const info = await this.#patiently(() => this.#existing());
    this.#left = Math.max(this.#last, info.delivered.stream_seq);
    let last = Math.min(this.#last, state.last_seq);
    for (let step = 1; this.#handedOut.size > 0 && last > 0; step *= 2) {
      const found = await this.#firstAt(last, `aribus.v1.rec.${this.pbx}.>`);
      if (found === null || found.seq !== last || this.#wasHandedOut(cursorOf(found.header))) break;
      last = Math.max(last - step, 0);
    }
    if (last < this.#last) {
      this.#repeated = this.#last;
      this.#last = last;
      this.dealtWith = Math.min(this.dealtWith, last);
    }
  }

  // What the consumer does not deliver, or not soon.
  async *#catchUp() {
    const {state} = await this.#patiently(() => this.#manager.streams.info(this.#stream));
    yield* this.#between(Math.min(this.#left, state.last_seq));
    if (state.last_seq >= this.#left) this.#left = 0;
  }

  #firstAt(seq, next_by_subj) {
    return this.#patiently(() => this.#manager.streams.getMessage(this.#stream, {seq, next_by_subj}));
  }

  // What the stream holds behind what was handed out, up to `end`.
  async *#between(end) {
    const subjects = this.#subjects.length > 0 ? this.#subjects : [`aribus.v1.rec.${this.pbx}.>`];
    while (this.#last < end && !this.#closed) {
      const found = await Promise.all(subjects.map((subject) => this.#firstAt(this.#last + 1, subject)));
      const first = found.filter((one) => one !== null).sort((one, other) => one.seq - other.seq)[0];
      if (first === undefined || first.seq > end) break;
      yield* this.#handed(first.seq, first, first.header);
    }
    if (this.#subjects.length > 0) this.#last = Math.max(this.#last, end);
  }

  // The message as an item, behind a report of those that should have come before it.
  *#handed(sequence, message, header) {
    if (this.#subjects.length === 0 && sequence > this.#last + 1) yield this.#lost(sequence - 1);
    this.#last = sequence;
    const of = message.subject.split('.').slice(4);
    const isWanted = REPORTS.includes(of.join('.'))
      || this.#wanted.every((wanted, i) => wanted.length === 0 || wanted.includes(of[i]));
    const cursor = cursorOf(header);
    const isRepeated = sequence <= this.#repeated && this.#wasHandedOut(cursor);
    const place = placeOf(cursor);
    if (place !== null && !isRepeated) this.#handedOut.set(place.stream, place.seq);
    yield new Found(this, sequence, isWanted && !isRepeated ? message.json() : null, cursor,
      typeof message.ack === 'function' ? message : null);
  }

  #wasHandedOut(cursor) {
    const place = placeOf(cursor);
    return place !== null && place.seq <= (this.#handedOut.get(place.stream) ?? -1);
  }

  #lost(end) {
    const first = Math.max(this.#last, this.#lookedAt) + 1;
    this.#last = end;
    return new Found(this, end, {type: 'lost', records: end - first + 1,
      reason: `the stream ${this.#stream} does not hold its messages ${first} to ${end} any more`}, '', null);
  }

  // A report if the stream has lost messages that a filter has not looked at.
  async #expired() {
    this.#looked = Date.now();
    const stream = await this.#patiently(() => this.#manager.streams.info(this.#stream));
    const info = await this.#patiently(() => this.#existing());
    const hasLost = stream.state.first_seq > Math.max(this.#last, this.#lookedAt) + 1;
    const found = hasLost ? [this.#lost(stream.state.first_seq - 1)] : [];
    this.#lookedAt = Math.max(this.#lookedAt, info.delivered.stream_seq);
    return found;
  }

  // An answer of JetStream, however long that is away.
  async #patiently(ask) {
    for (;;) {
      try {
        return await this.#ask(ask);
      } catch (error) {
        if (this.#connection.isClosed()) throw new NotConnected('the connection to NATS is closed');
        if (error instanceof AribusError || error.status === NOT_FOUND) throw error;
        await pause();
      }
    }
  }

  async #ask(ask) {
    try {
      return await ask();
    } catch (error) {
      throw causeOf(error) instanceof errors.PermissionViolationError ? this.#notAllowed(causeOf(error)) : error;
    }
  }

  async #info() {
    try {
      return await this.#manager.consumers.info(this.#stream, this.#name);
    } catch (error) {
      if (error.status === NOT_FOUND) return null;
      throw error;
    }
  }

  async #existing() {
    const info = await this.#info();
    if (info === null) throw new NotConnected(`the consumer ${this.#name} of the stream ${this.#stream} is there no more`);
    return info;
  }

  // The subjects of the wanted records; none: all.
  #filter() {
    if (this.#wanted.every((wanted) => wanted.length === 0)) return [];
    const [servers, apps, types] = this.#wanted.map((wanted) => wanted.length > 0 ? wanted : ['*']);
    const tails = servers.flatMap((server) => apps.flatMap((app) => types.map((type) => [server, app, type])));
    for (const report of REPORTS.map((one) => one.split('.'))) {
      if (!tails.some((tail) => tail.every((one, i) => one === '*' || one === report[i]))) tails.push(report);
    }
    return tails.map((tail) => `aribus.v1.rec.${this.pbx}.${tail.join('.')}`);
  }

  async #make(subjects) {
    try {
      return await this.#manager.consumers.add(this.#stream, {
        durable_name: this.#name, ack_policy: 'all', deliver_policy: this.#start === 'newest' ? 'new' : 'all',
        ...subjects.length > 0 ? {filter_subjects: subjects} : {}});
    } catch (error) {
      if (error.status !== NOT_FOUND) throw error;
      throw new NotConnected(
        `there is no stream ${this.#stream}: aribus-nats of ${this.pbx} makes it when it first connects to this NATS`);
    }
  }

  #check(info, subjects) {
    const filter = filterOf(info);
    if (info.config.ack_policy !== 'all' || info.config.deliver_subject) {
      this.#refuse('it has to be a pull consumer with the ack policy `all`');
    }
    if (filter.length > 0 && [...filter].sort().join() !== [...subjects].sort().join()) {
      this.#refuse(`its filter is ${filter.join(', ')}`);
    }
  }

  #refuse(why) {
    throw refusal('name', `another one than ${this.#name} is expected, as the stream ${this.#stream} has a consumer of `
      + `that name and ${why} (delete it, or choose another name)`);
  }
}

function pause() {
  return new Promise((resolve) => { setTimeout(resolve, PAUSE); });
}

function cursorOf(header) {
  return header?.get('Nats-Msg-Id') ?? '';
}

function placeOf(cursor) {
  const [, stream, seq] = /^(.+):([0-9]+)$/.exec(cursor) ?? [];
  return stream === undefined ? null : {stream, seq: Number(seq)};
}

function acknowledge(message) {
  try {
    message.ack();
  } catch (error) { // it comes again
    process.emitWarning(`a record could not be acknowledged: ${error.message}`, 'AribusWarning');
  }
}

export function causeOf(error) {
  return error instanceof errors.RequestError ? error.cause ?? error : error;
}

function filterOf({config}) {
  return config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
}
