// Worker groups: each call to one program at a time. Documented in index.d.ts.
import {Waits} from './channel.js';
import {NotConnected, NotOwner, OutcomeUnknown} from './errors.js';

const MAX_UNREAD = 1000; // records of a call that its program does not read
const PINGS_PER_LEASE = 4;

// What is given to a loop, in order; push() after end() is ignored.
export class Queue {
  items = [];
  #isOver = false;
  #error = null;
  #waiting = []; // [resolve, reject] of next() calls

  push(item) {
    if (this.#isOver) return;
    this.items.push(item);
    this.#hand();
  }

  end(error = null) {
    this.#isOver = true;
    this.#error ??= error;
    this.#hand();
  }

  next() {
    return new Promise((resolve, reject) => {
      this.#waiting.push([resolve, reject]);
      this.#hand();
    });
  }

  #hand() {
    while (this.#waiting.length > 0 && (this.items.length > 0 || this.#isOver)) {
      const [resolve, reject] = this.#waiting.shift();
      if (this.items.length > 0) resolve({value: this.items.shift(), done: false});
      else if (this.#error) reject(this.#error);
      else resolve({value: undefined, done: true});
    }
  }
}

export class GroupCall {
  args = [];
  channels = [];
  accepted = false;
  released = null;
  waits = new Waits();
  #group;
  #channel = null;
  #records = new Queue();

  constructor(group, {call, epoch, server, reason = 'held', previous = ''}, snapshot) {
    this.#group = group;
    Object.assign(this, {id: call, epoch, server, reason, previous, snapshot});
  }

  get channel() { return this.#channel; }

  get client() { return this.#group.client; }

  get pbx() { return this.client.pbx; }

  // The first command about a call accepts it.
  async command(method, params = {}) {
    return this.#group.dispatcher.call(method, {server: this.server, epoch: this.epoch, ...params}, this.waits);
  }

  async accept() {
    await this.#about('group.accept');
    this.accepted = true;
  }

  async decline() { await this.#about('group.decline'); }

  async handOver(to) { await this.#about('group.handover', {to}); }

  next() { return this.#records.next(); }

  [Symbol.asyncIterator]() { return this; }

  async #about(method, params = {}) {
    await this.#group.dispatcher.call(method, {call: this.id, epoch: this.epoch, ...params}, this.waits);
  }

  // Called by the dispatcher and the group.

  add(channel) {
    channel.call = this;
    if (!this.channels.includes(channel)) this.channels.push(channel);
    this.#channel ??= channel;
    if (channel === this.#channel && channel.args.length > 0) this.args = channel.args;
  }

  remove(channel) { this.channels = this.channels.filter((one) => one !== channel); }

  see(item) {
    if (item.type === 'group.accepted' && item.epoch === this.epoch) this.accepted = true;
    this.#records.push(item);
    if (this.#records.items.length > MAX_UNREAD) this.#records.items.shift();
  }

  end(reason, error) {
    this.released = reason;
    this.waits.finish(error);
    this.#records.end();
  }
}

export class Group {
  member = '';
  calls = new Map(); // id -> GroupCall
  #join;
  #new = new Queue(); // calls that are not yet given to the program
  #isOver = false;
  #leaving = null; // the parameters of group.leave
  #left = {}; // a promise, and its resolve()
  // Calls of which it is not sure that they still belong to this member.
  #doubtful = new Set();
  #isChecking = false;
  #checkAgain = false;
  #pinging = null;

  // join(): waits until the client is subscribed.
  constructor(client, dispatcher, {holds = [], ...wanted}, join) {
    Object.assign(this, {client, dispatcher, wanted: holds.length > 0 ? {holds, ...wanted} : wanted, name: wanted.group});
    this.#join = join;
    this.#left.promise = new Promise((resolve) => { this.#left.resolve = resolve; });
    for (const held of holds) {
      const call = new GroupCall(this, held, null);
      call.accepted = true;
      this.calls.set(call.id, call);
      this.#doubtful.add(call.id);
    }
  }

  get transport() { return this.client.transport; }

  get holds() {
    return [...this.calls.values()].filter(({accepted}) => accepted).map(({id, epoch}) => ({call: id, epoch}));
  }

  async join() {
    await this.#join();
    return this;
  }

  async leave({drain = false, timeout} = {}) {
    this.#leaving = {drain, timeout_ms: timeout};
    await this.dispatcher.call('group.leave', this.#leaving);
    await this.#left.promise;
  }

  async next() {
    await this.join();
    return this.#new.next();
  }

  [Symbol.asyncIterator]() { return this; }

  // Called by the dispatcher.

  callOf({calls = []}) {
    return this.calls.get(calls.find((id) => this.calls.has(id)));
  }

  take(item) {
    switch (item.type) {
      case 'subscribed':
        this.#subscribed(item);
        return;
      case 'assigned':
        this.#assigned(item);
        return;
      case 'released': {
        const call = this.calls.get(item.call);
        if (call?.epoch === item.epoch) this.#release(call, item.reason);
        return;
      }
      case 'left':
        this.#hasLeft();
        return;
      case 'lost':
        this.#doubt(item);
        return;
      default:
        if (item.type.startsWith('server.')) {
          for (const call of this.calls.values()) {
            if (call.server === undefined || call.server === item.server) call.see(item);
          }
          this.#check();
          return;
        }
        for (const id of item.calls ?? []) this.calls.get(id)?.see(item);
    }
  }

  // The lease is over: others may have the calls.
  expire() {
    for (const call of [...this.calls.values()]) this.#release(call, 'lease');
  }

  // The client is closed, or the daemon has ended the membership.
  end(error) {
    this.#finish(error instanceof NotConnected ? null : error);
  }

  // Inside.

  #finish(error = null) {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#pinging);
    for (const call of [...this.calls.values()]) this.#release(call, this.#leaving ? 'member_left' : 'lost');
    this.#left.resolve();
    this.#new.end(error);
  }

  #hasLeft() {
    if (this.#isOver) return;
    this.#finish();
    this.dispatcher.later(this.dispatcher.run('unsubscribe', {}));
  }

  #subscribed(item) {
    const was = this.member;
    this.member = item.member ?? '';
    if (was && (item.resumed === false || was !== this.member)) this.#doubt(item);
    else this.#check();
    // Also where the daemon's configuration has it.
    if (item.lease_ms && !this.#pinging) this.#ping(item.lease_ms / PINGS_PER_LEASE);
    if (was && this.#leaving) this.dispatcher.later(this.dispatcher.call('group.leave', this.#leaving));
  }

  // In the event loop that runs the handlers: while it is blocked nothing is sent, and the daemon notices.
  #ping(pause) {
    this.#pinging = setTimeout(() => {
      if (this.dispatcher.isReady) this.dispatcher.run('ping', {}).catch(() => {});
      this.#ping(pause);
    }, pause);
  }

  #assigned(item) {
    const known = this.calls.get(item.call);
    if (known?.epoch === item.epoch) {
      this.#doubtful.delete(known.id);
      const isGiven = known.snapshot !== null; // else the program said at the start that it holds it
      Object.assign(known, {snapshot: item.snapshot ?? known.snapshot, server: item.server});
      if (isGiven || known.snapshot === null) known.see(item);
      else this.#give(known);
      return;
    }
    if (known) this.#release(known, 'lost');
    if (item.snapshot === null) return; // it has ended
    const call = new GroupCall(this, item, item.snapshot);
    call.accepted = item.reason === 'held' || item.reason === 'originated';
    this.calls.set(call.id, call);
    this.#give(call);
  }

  // Gives a call, which has its snapshot, to the program.
  #give(call) {
    const {channel: first, args, channels} = call.snapshot;
    const found = new Map(channels.map((one) => [one.channel.id, one]));
    const others = [...found.keys()].filter((id) => id !== first && found.get(id).app);
    let inside = found.has(first) ? [first, ...others] : others;
    if (inside.length === 0) inside = found.size > 0 ? [...found.keys()].slice(0, 1) : [first];
    for (const id of inside) {
      const {app = '', channel = {id}} = found.get(id) ?? {};
      // If it creates the channel, its StasisStart follows.
      if (!this.dispatcher.awaits(id)) call.add(this.dispatcher.adopt(call.server, app, id === first ? args : [], channel));
    }
    const isOwn = call.reason === 'originated' && this.dispatcher.creates(first);
    if (!isOwn) this.#new.push(call);
  }

  #release(call, reason) {
    this.calls.delete(call.id);
    this.#doubtful.delete(call.id);
    this.#new.items = this.#new.items.filter((one) => one !== call);
    const error = new NotOwner(`the call ${call.id} does not belong to this member any more: ${reason}`,
      {call: call.id, group: this.name, owner: '', epoch: call.epoch, reason});
    for (const channel of [...call.channels]) this.dispatcher.release(channel, error);
    call.end(reason, error);
  }

  // After records were missed, or under another name, calls may belong to others: the daemon is asked.

  // item: why, for the calls' loops. What was offered and is still this member's comes again.
  #doubt(item) {
    for (const call of [...this.calls.values()]) {
      if (call.accepted) {
        this.#doubtful.add(call.id);
        call.see(item);
      } else {
        this.#release(call, 'lost');
      }
    }
    this.#check();
  }

  #check() {
    this.#checkAgain = this.#doubtful.size > 0;
    if (!this.#checkAgain || this.#isChecking) return;
    this.#isChecking = true;
    this.dispatcher.later(this.#checkDoubtful().finally(() => { this.#isChecking = false; }));
  }

  async #checkDoubtful() {
    while (this.#checkAgain && !this.#isOver) {
      this.#checkAgain = false;
      try {
        const {servers} = await this.dispatcher.run('status', {});
        const ready = servers.filter(({state}) => state === 'ready').map(({name}) => name);
        for (const id of [...this.#doubtful]) {
          if (this.calls.has(id)) await this.#checkOne(this.calls.get(id), ready);
        }
      } catch (error) {
        if (!(error instanceof NotConnected) && !(error instanceof OutcomeUnknown)) throw error; // else `subscribed` follows
      }
    }
  }

  async #checkOne(call, ready) {
    try {
      await this.dispatcher.run('group.accept', {call: call.id, epoch: call.epoch});
      if (call.snapshot === null) await this.#lookUp(call); // the program said at the start that it holds it
      this.#doubtful.delete(call.id);
    } catch (error) {
      if (!(error instanceof NotOwner)) throw error;
      // aribusd may have been restarted, and not know the calls of this Asterisk yet: `server.resynced` follows.
      const isKnown = call.server === undefined ? ready.length > 0 : ready.includes(call.server);
      if (call.released === null && isKnown) this.#release(call, 'lost');
    }
  }

  // Makes the snapshot of a call that the program held when it was started.
  async #lookUp(call) {
    const [found] = (await this.dispatcher.run('state.calls', {id: call.id})).calls;
    if (!found) return;
    call.server = found.server;
    const read = async (kind, ids) => {
      const lists = ids.map(async (id) => (await this.dispatcher.run(`state.${kind}`, {server: call.server, id}))[kind]);
      return (await Promise.all(lists)).flat();
    };
    const channels = await read('channels', found.call.legs.filter(({ended}) => !ended).map(({channel}) => channel));
    const bridges = await read('bridges', [...new Set(channels.map(({bridge}) => bridge).filter(Boolean))]);
    const {app_name: name, app_data: data = ''} = channels[0]?.channel.dialplan ?? {};
    if (call.released !== null || call.snapshot !== null) return;
    call.snapshot = {channel: channels[0]?.channel.id ?? '', args: name === 'Stasis' ? data.split(',').slice(1) : [],
      commands: [], call: found, channels, bridges};
    this.#give(call);
  }
}
