// A member's link to the daemon of a PBX, over NATS: docs/nats-clients.md, "The protocol of members".
import {randomBytes} from 'node:crypto';

import {headers} from '@nats-io/transport-node';

import {causeOf} from './consumer.js';

const SIGNS_PER_LEASE = 10 / 3; // signs of life: every 3 s with a lease of 10 s
const LOOK = 200; // interval between looks at the connection to NATS, in ms
const HEADER_BYTES = 1024; // room for the headers of a message
const CHUNK_BYTES = 64 * 1024;
// What is acknowledged at the latest: a quarter of what aribus-nats sends ahead.
const UNACKNOWLEDGED = 256, UNACKNOWLEDGED_BYTES = 256 * 1024;

const now = () => performance.now();

// Names as tokens of subjects: bytes other than A-Z, a-z, 0-9, _ and - become %XX, and an empty name becomes _.
export function token(name) {
  return Array.from(new TextEncoder().encode(name), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('') || '_';
}

// Carries the bytes of one connection to the daemon's socket, in numbered messages. If one is missing, the link ends.
// place: `<pbx>.<rule>.<group>.<member>`, as tokens. lease: in ms. handlers: of transport.js. onConfirmed(at): aribus-nats has
// got a message that was sent then: until `lease` after that it keeps the calls.
export class Link {
  #connection;
  #id = randomBytes(8).toString('hex');
  #subject;
  #answers;
  #lease;
  #handlers;
  #onConfirmed;
  #subscription;
  #ended = null; // why
  #isOver = false; // `closed` was called
  #looking;
  #openedAt = now();
  #confirmedAt = -Infinity;
  #nextSign;
  // To the daemon.
  #unsent = [];
  #isSending = false;
  #number = 0; // of the last message sent
  #sentAt = []; // of messages that are not confirmed yet: [number, time]
  // From the daemon.
  #arrived = 0; // the number of the last message
  #queue = []; // [number, bytes]: what the client did not take yet
  #isPaused = false;
  #isHanding = false;
  #taken = 0; // the number of the last message that the client has taken
  #acknowledged = 0;
  #unacknowledgedBytes = 0;

  constructor(connection, place, lease, handlers, onConfirmed) {
    this.#connection = connection;
    this.#subject = `aribus.v1.member.${place}`;
    this.#answers = `aribus.v1.to-member.${place}.${this.#id}`;
    this.#lease = lease;
    this.#handlers = handlers;
    this.#onConfirmed = onConfirmed;
    if (!connection.info || connection.isClosed()) {
      queueMicrotask(() => this.end('there is no connection to NATS'));
      return;
    }
    this.#subscription = connection.subscribe(this.#answers, {callback: (error, message) => this.#onMessage(error, message)});
    const pause = lease / SIGNS_PER_LEASE;
    this.#nextSign = now() + pause;
    this.#looking = setInterval(() => this.#look(pause), Math.min(LOOK, pause));
    handlers.opened({
      send: (text) => this.#send(text),
      pause: () => { this.#isPaused = true; },
      resume: () => {
        this.#isPaused = false;
        this.#hand();
      },
      close: () => this.#close(),
    });
  }

  // Sends a sign of life now.
  sign() { if (this.#ended === null) this.#publish(new Uint8Array()); }

  end(reason) {
    if (this.#ended !== null) return;
    this.#ended = reason;
    clearInterval(this.#looking);
    if (!this.#connection.isClosed()) this.#subscription?.unsubscribe();
    this.#hand();
  }

  // The lease is over: what came is dropped.
  abandon(reason) {
    this.#queue = [];
    this.end(reason);
  }

  // Inside.

  #close() {
    if (this.#ended === null && this.#connection.info) this.#publish(new Uint8Array(), {'Aribus-End': 'closed'});
    this.abandon('the client has closed it');
  }

  #send(text) {
    this.#unsent.push(Buffer.from(text));
    if (this.#isSending) return;
    this.#isSending = true;
    queueMicrotask(() => {
      this.#isSending = false;
      const bytes = Buffer.concat(this.#unsent.splice(0));
      const chunk = Math.min(CHUNK_BYTES, Math.max((this.#connection.info?.max_payload ?? 0) - HEADER_BYTES, HEADER_BYTES));
      for (let at = 0; at < bytes.length && this.#ended === null; at += chunk) this.#publish(bytes.subarray(at, at + chunk));
    });
  }

  #publish(data, more = {}) {
    if (!this.#connection.info) { // the library would keep the message, and send it later
      this.end('the connection to NATS broke');
      return;
    }
    this.#sentAt.push([++this.#number, now()]);
    this.#acknowledged = this.#taken;
    this.#unacknowledgedBytes = 0;
    const head = headers();
    const all = {'Aribus-Link': this.#id, 'Aribus-Number': this.#number, 'Aribus-Received': this.#taken,
      ...(this.#number === 1 ? {'Aribus-Lease': Math.round(this.#lease)} : {}), ...more};
    for (const [name, value] of Object.entries(all)) head.set(name, String(value));
    try {
      this.#connection.publish(this.#subject, data, {reply: this.#answers, headers: head});
    } catch (error) {
      this.end(`NATS: ${error.message}`);
    }
  }

  // In the event loop that runs the handlers: while it is blocked nothing is sent, and aribus-nats notices.
  #look(pause) {
    if (!this.#connection.info || this.#connection.isClosed()) {
      this.end('the connection to NATS broke');
    } else if (now() >= Math.max(this.#confirmedAt, this.#openedAt) + this.#lease) {
      this.end(`aribus-nats has not answered for ${this.#lease / 1000} s`);
    } else if (now() >= this.#nextSign) {
      this.#nextSign = now() + pause;
      this.sign();
    }
  }

  #onMessage(error, message) {
    if (error) {
      this.end(`NATS: ${(causeOf(error) ?? error).message}`);
      return;
    }
    if (message.headers?.code === 503) {
      this.end(`nobody answers at ${this.#subject}: does aribus-nats run there, and does it offer the rule?`);
      return;
    }
    const [number, received] = ['Aribus-Number', 'Aribus-Received'].map((name) => Number(message.headers?.get(name) || 0));
    while (this.#sentAt.length > 0 && this.#sentAt[0][0] <= received) [, this.#confirmedAt] = this.#sentAt.shift();
    this.#onConfirmed(this.#confirmedAt);
    const end = message.headers?.get('Aribus-End');
    if (end) {
      this.end(`aribus-nats: ${end}`);
    } else if (this.#ended === null) {
      if (number !== this.#arrived + 1) {
        this.end(`message ${number} came where ${this.#arrived + 1} was expected`);
        return;
      }
      this.#arrived = number;
      this.#queue.push([number, Buffer.from(message.data)]);
      this.#hand();
    }
  }

  // Gives the client what came, and the end behind it.
  #hand() {
    if (this.#isHanding || this.#isOver) return;
    this.#isHanding = true;
    while (!this.#isPaused && this.#queue.length > 0) {
      const [number, data] = this.#queue.shift();
      this.#taken = number;
      this.#unacknowledgedBytes += data.length;
      if (data.length > 0) {
        try {
          this.#handlers.received(data);
        } catch (error) {
          this.abandon(`the connection to aribusd broke: ${error.message}`);
        }
      }
      if (this.#taken - this.#acknowledged >= UNACKNOWLEDGED || this.#unacknowledgedBytes >= UNACKNOWLEDGED_BYTES) this.sign();
    }
    this.#isHanding = false;
    if (this.#ended !== null && this.#queue.length === 0) {
      this.#isOver = true;
      this.#handlers.closed(this.#ended);
    }
  }
}
