// A durable consumer of one PBX's stream in NATS.
import {errors} from '@nats-io/transport-node';

import {AribusError, NotAllowed, NotConnected} from './errors.js';
import {refusal} from './request.js';

const REPORTS = ['_._.lost', '_._.bus%2Erestarted']; // aribus-nats' own messages in the stream: filters always include them
const BATCH = 100; // messages per request
const PAUSE = 1000; // before a request to JetStream is repeated
const EXPIRED = 10_000; // interval between checks of a filtered consumer for messages that the stream has removed
const HEARTBEAT = 5000;
const NOT_FOUND = 404;

class Found {
  // item: null if it does not match the filter, or was handed out before. message: to be acknowledged, or null.
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
// NATS redelivers unacknowledged messages, but late and after newer ones. So the order is restored here: messages that an
// earlier process or a broken connection left unacknowledged are read from the stream itself, and redelivered ones are
// skipped. An acknowledgement (`ack_policy` all) covers all messages before it.
//
// A nats-server that was killed may have lost its newest messages, and then stores others under the same sequences. After
// each reconnect this is detected by the cursors of the messages.
export class Consumer {
  dealtWith = 0; // the stream's sequence up to which the program has processed everything
  #connection;
  #manager;
  #name;
  #stream;
  #wanted; // lists of tokens: servers, apps, types
  #start;
  #subjects = []; // the consumer's filter; empty: the whole stream
  #last = 0; // the stream's sequence up to which everything was handed out
  #lookedAt = 0; // the stream's sequence up to which the consumer has read
  #next = 0; // the next consumer sequence, which has no holes
  #left = 0; // the stream's sequence up to which unacknowledged messages may be left over; 0: none
  #handedOut = new Map(); // the last seq handed out, by aribusd's stream
  #repeated = 0; // the stream's sequence up to which it may again hold records that were handed out
  #isNew = false; // the connection was made again
  #looked = Date.now(); // when #expired() ran last
  #messages = null;
  #status = null; // the status events of the connection
  #denied = null; // NATS' permission error
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

  // Watches the connection: for a reconnect, and for the error with which NATS denies a request for messages (such a request
  // gets no answer).
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

  // All messages, without an end.
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

  // The messages that the consumer delivers, until a reconnect.
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
    if (streamSequence <= this.#last) { // redelivered
      if (streamSequence <= this.dealtWith) acknowledge(message);
    } else {
      // Messages in between were delivered but did not arrive.
      if (this.#left > 0 || deliverySequence !== this.#next) yield* this.#between(streamSequence - 1);
      yield* this.#handed(streamSequence, message, message.headers);
    }
    this.#next = deliverySequence + 1;
  }

  // Goes back to the last message that is still what was handed out: nats-server may have lost newer ones.
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

  // The messages that the consumer does not deliver, or delivers only later.
  async *#catchUp() {
    const {state} = await this.#patiently(() => this.#manager.streams.info(this.#stream));
    yield* this.#between(Math.min(this.#left, state.last_seq));
    if (state.last_seq >= this.#left) this.#left = 0;
  }

  #firstAt(seq, next_by_subj) {
    return this.#patiently(() => this.#manager.streams.getMessage(this.#stream, {seq, next_by_subj}));
  }

  // The stream's messages after the last one handed out, up to `end`.
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

  // The message as an item, after a `lost` item for messages missing before it.
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

  // A `lost` item if the stream has removed messages before a filtered consumer read them.
  async #expired() {
    this.#looked = Date.now();
    const stream = await this.#patiently(() => this.#manager.streams.info(this.#stream));
    const info = await this.#patiently(() => this.#existing());
    const hasLost = stream.state.first_seq > Math.max(this.#last, this.#lookedAt) + 1;
    const found = hasLost ? [this.#lost(stream.state.first_seq - 1)] : [];
    this.#lookedAt = Math.max(this.#lookedAt, info.delivered.stream_seq);
    return found;
  }

  // Repeats a request to JetStream until it is answered.
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
    if (info === null) throw new NotConnected(`the consumer ${this.#name} of the stream ${this.#stream} no longer exists`);
    return info;
  }

  // The subjects of the wanted records; empty: all.
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
      this.#refuse('it must be a pull consumer with the ack policy `all`');
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
  } catch (error) { // it will be redelivered
    process.emitWarning(`a record could not be acknowledged: ${error.message}`, 'AribusWarning');
  }
}

export function causeOf(error) {
  return error instanceof errors.RequestError ? error.cause ?? error : error;
}

function filterOf({config}) {
  return config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
}
