// A worker that is a member of the same group at many PBXs. Documented in nats.d.ts.
import {randomBytes} from 'node:crypto';

import {createInbox} from '@nats-io/transport-node';

import {AribusError} from './errors.js';
import {Queue} from './group.js';
import {Client} from './index.js';
import {Link, token} from './link.js';
import {WITH_CONNECTIONS} from './transport.js';

const FIND = 10_000; // interval between searches for PBXs
const LEAVE = 2000; // for the daemon to answer when a member leaves; all in ms
const WARNING = 'AribusWarning';

// The membership at one PBX: a Client whose connection to the daemon goes over NATS.
class Member {
  client;
  group;
  #link = null;
  #handlers = null; // of the latest connection
  #confirmedAt = -Infinity; // see Link
  #givenUp = -Infinity; // the last confirmation before the calls were given up
  #watching = null;
  #lease;
  #told = ''; // why there was no connection, as was warned last

  constructor(connection, pbx, rule, params, lease) {
    this.#lease = lease;
    const place = [pbx, token(rule), token(params.group), token(params.member)].join('.');
    this.client = Client[WITH_CONNECTIONS]((handlers) => {
      this.#handlers = handlers;
      this.#link = new Link(connection, place, lease, {...handlers, closed: (reason) => {
        this.#warn(pbx, reason);
        handlers.closed(`${pbx}: ${reason}`);
      }}, (at) => this.#confirmed(at));
    }, {transport: 'nats', pbx});
    const {group, ...more} = params;
    this.group = this.client.group(group, more);
  }

  // aribus-nats of this PBX has just begun to accept members: it may have been restarted.
  sign() { this.#link?.sign(); }

  async close(isNamed) {
    if (!isNamed && this.group.member && this.group.dispatcher.isReady) { // others get its calls at once
      let timer;
      await Promise.race([this.group.dispatcher.run('unsubscribe', {}).catch(() => {}),
        new Promise((resolve) => { timer = setTimeout(resolve, LEAVE); })]);
      clearTimeout(timer);
    }
    clearTimeout(this.#watching);
    await this.client.close();
  }

  #confirmed(at) {
    if (at <= this.#confirmedAt) return;
    this.#confirmedAt = at;
    this.#told = '';
    this.#watching ??= setTimeout(() => this.#watch(), this.#lease);
  }

  // Gives the calls up when aribus-nats was silent for `lease`: it, or the daemon, may have given them to others.
  #watch() {
    this.#watching = null;
    const left = this.#confirmedAt + this.#lease - performance.now();
    if (left > 0) {
      this.#watching = setTimeout(() => this.#watch(), left);
    } else if (this.#confirmedAt > this.#givenUp) {
      this.#givenUp = this.#confirmedAt;
      this.#link.abandon(`aribus-nats has not answered for ${this.#lease / 1000} s`);
      this.#handlers.expired();
    }
  }

  #warn(pbx, reason) {
    if (this.#told === reason) return;
    this.#told = reason;
    process.emitWarning(`group ${this.group.name}: no connection to ${pbx}: ${reason}`, WARNING);
  }
}

export class Workers {
  transport = 'nats';
  #client; // the parameters of the client: {connection, rule, lease, finds}
  #params;
  #isNamed;
  #since;
  #held;
  #members = new Map(); // PBX -> Member
  #refused = new Set(); // PBXs
  #new = new Queue();
  #join;
  #isOver = false;

  constructor(client, {since = {}, holds = {}, ...params}, join) {
    this.#client = client;
    this.#isNamed = params.member !== undefined;
    this.#params = {...params, member: params.member ?? `nats-${randomBytes(8).toString('hex')}`};
    this.#since = since;
    this.#held = holds;
    this.#join = join;
    this.name = params.group;
    this.member = this.#params.member;
  }

  get calls() {
    return [...this.#members.values()].flatMap(({group}) => [...group.calls.values()]);
  }

  get clients() { return new Map([...this.#members].map(([pbx, {client}]) => [pbx, client])); }

  get cursors() { return this.#each(({client}) => client.cursor); }

  get holds() { return this.#each(({group}) => group.holds); }

  async join() {
    await this.#join();
    return this;
  }

  async leave(options) {
    this.#isOver = true;
    const reached = [...this.#members.values()].filter(({group}) => group.member && group.dispatcher.isReady);
    await Promise.allSettled(reached.map(({group}) => group.leave(options)));
    this.#new.end();
  }

  async next() {
    await this.join();
    for (;;) {
      const found = await this.#new.next();
      if (found.done || found.value.released === null) return found;
    }
  }

  [Symbol.asyncIterator]() { return this; }

  // Called by the client.

  add(pbx) {
    if (this.#members.has(pbx) || this.#refused.has(pbx) || this.#isOver) return;
    const {connection, rule, lease} = this.#client;
    const member = new Member(connection, pbx, rule, {...this.#params, since: this.#since[pbx], holds: this.#held[pbx]}, lease);
    this.#members.set(pbx, member);
    this.#read(pbx, member);
  }

  get(pbx) { return this.#members.get(pbx); }

  async close() {
    this.#isOver = true;
    await Promise.all([...this.#members.values()].map((member) => member.close(this.#isNamed)));
    this.#new.end();
  }

  // Inside.

  #each(read) {
    return Object.fromEntries([...this.#members].map(([pbx, member]) => [pbx, read(member)]).filter(([, value]) => value));
  }

  async #read(pbx, member) {
    try {
      for await (const call of member.group) this.#new.push(call);
    } catch (error) {
      if (!(error instanceof AribusError)) throw error;
      process.emitWarning(`${pbx}: it is no member of the group ${this.name} there: ${error.message}`, WARNING);
      this.#refused.add(pbx);
      this.#members.delete(pbx);
      await member.close(true);
      if (this.#members.size === 0 && !this.#client.finds) this.#new.end(error);
    }
  }
}

// Tells the workers of a client which PBXs there are.
export class Finder {
  #connection;
  #rule; // a token
  #finds;
  #workers;
  #subscriptions = [];
  #finding = null;

  constructor({connection, rule, pbxs}, workers) {
    this.#connection = connection;
    this.#rule = token(rule);
    this.#finds = pbxs === undefined;
    this.#workers = workers;
    this.#subscribe(`aribus.v1.to-member.*.${this.#rule}`, ({subject}) => this.#accepting(subject.split('.')[3]));
    for (const pbx of pbxs ?? []) workers.add(pbx);
    if (!this.#finds) return;
    const inbox = this.#subscribe(createInbox(connection.options.inboxPrefix), (message) => this.#found(message));
    const ask = () => {
      if (connection.info && !connection.isClosed()) connection.publish('$SRV.INFO.aribus', undefined, {reply: inbox});
    };
    ask();
    this.#finding = setInterval(ask, FIND);
  }

  close() {
    clearInterval(this.#finding);
    if (this.#connection.isClosed()) return;
    for (const one of this.#subscriptions) one.unsubscribe();
  }

  #subscribe(subject, take) {
    this.#subscriptions.push(this.#connection.subscribe(subject, {callback: (error, message) => {
      if (!error && message.headers?.code !== 503) take(message);
    }}));
    return subject;
  }

  // A PBX has begun to accept members of the rule.
  #accepting(pbx) {
    const member = this.#workers.get(pbx);
    if (member) member.sign();
    else if (this.#finds) this.#workers.add(pbx);
  }

  // An answer to $SRV.INFO.
  #found(message) {
    try {
      const {metadata: {pbx}, endpoints} = message.json();
      if (endpoints.some(({subject}) => subject === `aribus.v1.rpc.${pbx}.${this.#rule}`)) this.#workers.add(pbx);
    } catch {
      // it is none of aribus-nats
    }
  }
}
