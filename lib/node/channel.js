// Channels and bridges as objects. Documented in index.d.ts.
import {AribusError, BridgeGone, ChannelGone, PlaybackFailed, RecordingFailed, Refused} from './errors.js';
import {BridgeOperations, ChannelOperations} from './operations.js';
import {newId} from './request.js';

const ALL_DIGITS = '0123456789*#ABCD';
// After these methods the channel is no longer this program's.
const HANDED_OVER = ['channels.continueInDialplan', 'channels.move', 'channels.redirect'];
// Asterisk's messages when the channel no longer exists, or ARI can't control it.
const GONE = ['Channel not found', 'Channel not in Stasis application', 'Provided channel was not found'];

// Everything that waits for an event of a channel or bridge; all of it gets an error when that ends.
export class Waits {
  end = null; // the error, set when the channel or bridge has ended
  #open = new Set();

  finish(error) {
    if (this.end) return;
    this.end = error;
    for (const wait of [...this.#open]) wait.reject(this.error());
  }

  // A new copy of `end`, to be thrown.
  error() {
    return this.end instanceof AribusError ? new this.end.constructor(this.end.message, this.end.data) : this.end;
  }

  check() {
    if (this.end) throw this.error();
  }

  // A promise that is rejected with the error, unless it is resolved by then.
  wait() {
    this.check();
    const wait = {isDone: false};
    wait.promise = new Promise((resolve, reject) => {
      const settle = (how) => (value) => {
        wait.isDone = true;
        this.#open.delete(wait);
        how(value);
      };
      wait.resolve = settle(resolve);
      wait.reject = settle(reject);
    });
    wait.promise.catch(() => {}); // avoids an unhandled rejection if nobody awaits it any more
    this.#open.add(wait);
    return wait;
  }
}

export class Channel extends ChannelOperations {
  app = '';
  args = [];
  server = undefined;
  waits = new Waits();
  handedOver = false; // it was sent elsewhere: it must not be hung up
  isLeaving = false; // it was hung up but has not left yet
  legs = []; // channels originated for it
  call = null; // of a group, that it belongs to
  #dispatcher;
  #digits = []; // pressed and not yet returned
  #wanted = []; // waits for digits: {among, promise, digit, give(), cancel()}

  constructor(dispatcher, id) {
    super();
    this.#dispatcher = dispatcher;
    this.id = id;
    this.data = {id};
  }

  get number() { return this.data.caller?.number ?? ''; }

  get isGone() { return this.waits.end !== null; }

  // The parameters that say where it is, and in whose hands.
  get place() { return {server: this.server, epoch: this.call?.epoch}; }

  async operate(method, params = {}) {
    let result;
    try {
      result = await this.#dispatcher.call(method, {channelId: this.id, ...this.place, ...params}, this.waits);
    } catch (error) {
      if (error instanceof Refused && GONE.includes(error.data.message) && error.data.path?.startsWith('/channels/')) {
        throw this.goneError();
      }
      throw error;
    }
    this.handedOver ||= HANDED_OVER.includes(method);
    return result;
  }

  // Shortcuts.

  async dtmf(digits, options) { await this.sendDTMF(digits, options); }

  async get(variable) {
    try {
      return (await this.getChannelVar(variable)).value;
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return '';
      throw error;
    }
  }

  async set(variable, value) { await this.setChannelVar(variable, value); }

  snoop({spy = 'none', whisper = 'none', app = this.app} = {}) {
    return this.#dispatcher.newChannel(newId(),
      (leg) => this.operate('channels.snoopChannel', {snoopId: leg.id, app, spy, whisper, appArgs: this.#dispatcher.legArgs}));
  }

  // Methods that wait.

  async gone() {
    if (this.isGone) return;
    await this.waits.wait().promise.catch((error) => {
      if (!(error instanceof ChannelGone)) throw error;
    });
  }

  async digit(timeout) {
    const pressed = this.#digitOf(ALL_DIGITS);
    const timer = timeout === undefined ? undefined : setTimeout(() => pressed.cancel(), timeout);
    try {
      return await pressed.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async digits(count = Infinity, {terminator = '#', timeout = 10_000, between = 3000} = {}) {
    let digits = '';
    while (digits.length < count) {
      const digit = await this.digit(digits === '' ? timeout : between);
      if (digit === null || terminator.includes(digit)) break;
      digits += digit;
    }
    return digits;
  }

  clearDigits() { this.#digits = []; }

  async play(media, {terminateOn = 'none', ...options} = {}) {
    const among = {none: '', any: ALL_DIGITS}[terminateOn] ?? terminateOn;
    const early = this.#taken(among);
    if (early) return early;
    const pressed = this.#digitOf(among);
    try {
      return await play(this, this.#dispatcher, 'channels.play', {media, ...options}, pressed);
    } finally {
      pressed.cancel();
    }
  }

  async record(name, {format = 'wav', ...options} = {}) {
    const recording = await record(this, this.#dispatcher, 'channels.record', {name, format, ...options});
    this.clearDigits();
    return recording;
  }

  // Called by the dispatcher.

  goneError() {
    return new ChannelGone(`channel ${this.id} has left the application ${this.app}`, {channelId: this.id});
  }

  pressed(digit) {
    const who = this.#wanted.find(({among}) => among.includes(digit));
    if (who) who.give(digit);
    else this.#digits.push(digit);
  }

  // Takes a digit that was pressed before, or null.
  #taken(among) {
    const at = this.#digits.findIndex((digit) => among.includes(digit));
    return at < 0 ? null : this.#digits.splice(at, 1)[0];
  }

  // Waits for a digit: `promise` gives it, or null after cancel(); `digit` is set once it was pressed.
  #digitOf(among) {
    const early = this.#taken(among);
    if (early) return {promise: Promise.resolve(early), digit: early, cancel() {}};
    const wait = this.waits.wait();
    const who = {among, promise: wait.promise, digit: null};
    who.give = (digit) => {
      this.#wanted = this.#wanted.filter((one) => one !== who);
      who.digit = digit;
      wait.resolve(digit);
    };
    who.cancel = () => {
      if (!wait.isDone) who.give(null);
    };
    this.#wanted.push(who);
    return who;
  }
}

export class Bridge extends BridgeOperations {
  channels = [];
  waits = new Waits();
  #dispatcher;
  #left = []; // channels not yet returned by left()
  #wanted = []; // left() calls that wait for a channel

  constructor(dispatcher, id, server) {
    super();
    this.#dispatcher = dispatcher;
    this.id = id;
    this.server = server;
  }

  get isGone() { return this.waits.end !== null; }

  async operate(method, params = {}) {
    try {
      return await this.#dispatcher.call(method, {bridgeId: this.id, server: this.server, ...params}, this.waits);
    } catch (error) {
      if (error instanceof Refused && error.status === 404 && error.data.message === 'Bridge not found') {
        throw this.goneError();
      }
      throw error;
    }
  }

  async add(...channels) {
    for (const channel of channels) {
      channel.waits.check();
      this.channels.push(channel);
      try {
        await this.addChannel([channel.id]);
      } catch (error) {
        this.channels = this.channels.filter((one) => one !== channel);
        if (error instanceof Refused && GONE.includes(error.data.message)) throw channel.goneError();
        throw error;
      }
    }
  }

  async remove(...channels) {
    for (const channel of channels) {
      this.channels = this.channels.filter((one) => one !== channel);
      try {
        await this.removeChannel([channel.id]);
      } catch (error) {
        if (error instanceof Refused) channel.waits.check();
        throw error;
      }
    }
  }

  async left() {
    if (this.#left.length > 0) return this.#left.shift();
    const wait = this.waits.wait();
    this.#wanted.push(wait);
    return wait.promise;
  }

  async play(media, options = {}) {
    await play(this, this.#dispatcher, 'bridges.play', {media, ...options});
  }

  record(name, {format = 'wav', ...options} = {}) {
    return record(this, this.#dispatcher, 'bridges.record', {name, format, ...options});
  }

  destroy() { return this.#dispatcher.destroy(this); }

  // Called by the dispatcher.

  goneError() {
    return new BridgeGone(`bridge ${this.id} was destroyed`, {bridgeId: this.id});
  }

  channelLeft(channel) {
    if (!this.channels.includes(channel)) return;
    this.channels = this.channels.filter((one) => one !== channel);
    const wait = this.#wanted.shift();
    if (wait) wait.resolve(channel);
    else this.#left.push(channel);
  }
}

// Plays until the end, or until a digit is pressed, and returns the digit.
async function play(target, dispatcher, method, params, pressed = null) {
  const playbackId = newId();
  const {server} = target;
  return dispatcher.untilEnd('playback', playbackId, target, async (ending) => {
    await dispatcher.begin(ending, method, {playbackId, ...params});
    await Promise.race([ending.promise, ...(pressed ? [pressed.promise] : [])]);
    if (pressed?.digit) {
      if (!ending.isDone) {
        await dispatcher.unlessRefused('playbacks.stop', {playbackId, server});
        await ending.promise;
      }
      return pressed.digit;
    }
    const result = await ending.promise;
    if (result.state !== 'failed') return null;
    if (target.isLeaving) throw target.goneError();
    throw new PlaybackFailed(`${params.media} was not played to the end: there is no such sound, maybe`, result);
  });
}

// Records until the end.
async function record(target, dispatcher, method, params) {
  return dispatcher.untilEnd('recording', params.name, target, async (ending) => {
    await dispatcher.begin(ending, method, params);
    const result = await ending.promise;
    if (result.state !== 'failed') return result;
    if (target.isLeaving) throw target.goneError();
    throw new RecordingFailed(`${params.name} was not recorded: ${result.cause_txt ?? 'Asterisk does not say why'}`, result);
  });
}
