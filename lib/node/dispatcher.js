// Dispatches the records of a client's subscription to its channels and bridges, and serves calls.
import {Bridge, Channel, Waits} from './channel.js';
import {AribusError, CallFailed, ChannelGone, InvalidParams, NotAllowed, NotConnected, OutcomeUnknown, Refused} from './errors.js';
import {CHOSEN_IDS, newId} from './request.js';

const RECORDS = ['StasisStart', 'StasisEnd', 'ChannelDestroyed', 'ChannelHangupRequest', 'ChannelDtmfReceived',
  'ChannelStateChange', 'ChannelLeftBridge', 'BridgeDestroyed', 'PlaybackFinished', 'RecordingFinished',
  'RecordingFailed', 'state.changed', 'state.gone', 'server.resynced', 'server.removed'];
// The daemon accepts 64 commands in progress per connection. Ringing calls must not use them all.
const COMMANDS = 32, RINGING = 24;
const PATIENCE = 30_000; // how long a command is retried that was not sent because there is no connection
const PAUSE = 200; // all in ms
const SETTLE = 2000;
// The first application argument of channels that a program creates for itself, with originate() or snoop(): other programs
// that serve the application ignore them.
const LEG = 'aribus-leg';
const ENDED = ['done', 'failed', 'canceled'];

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const key = (server, id) => JSON.stringify([server, id]);

// Runs at most a number of works at a time.
class Gate {
  #free;
  #waiting = [];

  constructor(free) { this.#free = free; }

  async through(work) {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise((resolve) => { this.#waiting.push(resolve); });
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

// The parameters of a serve(), and the calls that it serves.
class Serving {
  began = Date.now();
  calls = new Map(); // channel -> the promise of its handler

  constructor(handler, {args = [], existing = false, hangUp = true, onError}) {
    Object.assign(this, {handler, args, existing, hangUp});
    this.onError = onError ?? ((error, channel) => console.error(`aribus: call ${channel.id}: its handler failed:`, error));
  }

  // isTold: an event reported that the channel entered the application; otherwise it was found there.
  wants(channel, isTold) {
    if (!this.args.every((arg, i) => channel.args[i] === arg) || channel.args[0] === LEG) return false;
    return isTold || this.existing || !(Date.parse(channel.data.creationtime) < this.began);
  }
}

// One per client that serves or originates calls, or is a member of a group.
export class Dispatcher {
  closed = new Waits(); // ends with the client
  group = null; // that the client is a member of
  legArgs = LEG;
  #client; // {run(method, params), which calls makes(); next()}
  #channels = new Map(); // in an application, by server and id
  #legs = new Map(); // new channels that have not entered one yet: id -> {leg, entered}
  #own = new Set(); // ids of channels that this client creates
  #abandoned = new Set(); // those of them that are no longer wanted
  #bridges = new Map(); // id -> Bridge
  #endings = new Set(); // waits for the end of a playback or recording
  #servings = new Map(); // application -> Serving
  #room = new Gate(COMMANDS);
  #ringing = new Gate(RINGING);
  #tasks = new Set();

  constructor(client) { this.#client = client; }

  async start() {
    await this.#client.run('subscribe', this.group?.wanted ?? {types: RECORDS});
    this.#read();
  }

  // Waits for pending hangups, stops and destructions, for at most SETTLE ms.
  settle() { return Promise.race([Promise.allSettled(this.#tasks), pause(SETTLE)]); }

  get isSettled() { return this.#tasks.size === 0; }

  #later(work) {
    const task = work.catch(() => {}).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  // Called by channels and bridges.

  // Like Client.call(), but queued, and waiting for a connection. of: fails when this channel or bridge ends.
  async call(method, params, of = this.closed) {
    for (const until = Date.now() + PATIENCE; ; await pause(PAUSE)) {
      of.check();
      try {
        return await this.#room.through(() => this.#client.run(method, params));
      } catch (error) {
        if (error instanceof Refused || error instanceof OutcomeUnknown) of.check();
        if (!(error instanceof NotConnected) || this.closed.end || Date.now() > until) throw error;
      }
    }
  }

  // Calls the method, repeating it if it was not sent or its outcome is unknown. Other errors are ignored.
  async unlessRefused(method, params) {
    while (!this.closed.end) {
      try {
        await this.call(method, params);
        return;
      } catch (error) {
        if (!(error instanceof NotConnected) && !(error instanceof OutcomeUnknown)) return;
        await pause(PAUSE);
      }
    }
  }

  async hangUp(channel) {
    while (!channel.isGone && !channel.handedOver && !this.closed.end) {
      try {
        await this.call('channels.hangup', {channelId: channel.id, ...channel.place}, channel.waits);
        return;
      } catch (error) {
        if (!(error instanceof NotConnected) && !(error instanceof OutcomeUnknown)) return;
        await pause(PAUSE);
      }
    }
  }

  async destroy(bridge) {
    if (bridge.isGone) return;
    await this.unlessRefused('bridges.destroy', {bridgeId: bridge.id, server: bridge.server});
    this.#bridgeGone(bridge);
  }

  // Runs work(ending), where `ending.promise` is the end of a playback or recording.
  async untilEnd(kind, id, target, work) {
    const ending = Object.assign(target.waits.wait(), {kind, id, target, begun: null});
    this.#endings.add(ending);
    try {
      return await work(ending);
    } finally {
      this.#endings.delete(ending);
      ending.resolve({});
    }
  }

  // Starts the playback or recording. If the outcome is unknown, asks Asterisk whether it exists.
  async begin(ending, method, params) {
    try {
      ending.begun = await ending.target.operate(method, params);
    } catch (error) {
      if (!(error instanceof OutcomeUnknown) || (!await this.#isThere(ending) && !ending.isDone)) throw error;
    }
  }

  async bridge(channels, params) {
    const bridge = new Bridge(this, newId(), params.server ?? channels[0]?.server);
    this.#bridges.set(bridge.id, bridge);
    try {
      await bridge.operate('bridges.create', params);
      await bridge.add(...channels);
    } catch (error) {
      this.#later(this.destroy(bridge));
      throw error;
    }
    return bridge;
  }

  async originate({originator, signal, channelId = newId(), ...params}) {
    if (params.app === undefined && this.#servings.size === 1) [params.app] = this.#servings.keys();
    params.appArgs = params.appArgs === undefined ? LEG : `${LEG},${params.appArgs}`;
    if (originator) {
      Object.assign(params, {...originator.place, server: params.server ?? originator.server, originator: originator.id});
    }
    return this.newChannel(channelId, async (leg) => {
      let result;
      try {
        result = await this.#ringing.through(
          () => this.#client.run('originate', {...params, channelId: leg.id, wait: 'answer'}));
      } catch (error) {
        if (!(error instanceof Refused) || ![409, 500].includes(error.status)) throw error;
        throw new CallFailed(error.message, {outcome: 'failed', ...error.data});
      }
      if (result.outcome === 'answered') return;
      throw new CallFailed(`${params.endpoint} was not reached: ${result.outcome}, ${result.cause_txt}`, result);
    }, originator, signal);
  }

  // Creates a channel with make(leg); returns it when it has entered its application.
  async newChannel(id, make, originator = null, signal = null) {
    signal?.throwIfAborted();
    const leg = new Channel(this, id);
    const entered = leg.waits.wait();
    const gone = (originator?.waits ?? this.closed).wait();
    const abort = () => gone.reject(signal.reason);
    signal?.addEventListener('abort', abort);
    this.#legs.set(id, {leg, entered});
    this.#own.add(id);
    try {
      await Promise.race([make(leg), gone.promise]);
      await Promise.race([entered.promise, gone.promise]);
    } catch (error) {
      if (error instanceof Refused || error instanceof InvalidParams || error instanceof NotAllowed) {
        this.#own.delete(id); // nothing was created
      } else if (!(error instanceof CallFailed)) {
        this.#abandoned.add(id);
        this.#later(this.hangUp(leg));
      }
      throw error;
    } finally {
      this.#legs.delete(id);
      gone.resolve();
      signal?.removeEventListener('abort', abort);
    }
    originator?.legs.push(leg);
    return leg;
  }

  // Notes the id of a channel that a command (a Call) creates.
  makes({method, text}) {
    const name = CHOSEN_IDS.get(method);
    if (name === 'channelId' || name === 'snoopId') this.#own.add(JSON.parse(text)[name]);
  }

  // started(): waits until the client is subscribed.
  async serve(app, handler, {signal, ...options} = {}, started) {
    if (this.#servings.has(app)) throw new InvalidParams(`app: the calls of ${app} are served already, by this client`);
    const serving = new Serving(handler, options);
    this.#servings.set(app, serving); // before the first record arrives, or its call would be missed
    try {
      await started();
      const {servers} = await this.#client.run('status', {});
      if (!servers.some((server) => server.apps.includes(app))) {
        throw new InvalidParams(`app: aribusd does not hold the application ${app}; it must be one of \`apps\` in aribusd.yaml`);
      }
      signal?.throwIfAborted();
    } catch (error) {
      this.#servings.delete(app);
      throw error;
    }
    const ended = this.closed.wait();
    signal?.addEventListener('abort', () => ended.resolve());
    if (serving.existing) this.#later(this.#catchUp());
    await ended.promise.catch((error) => {
      if (!(error instanceof NotConnected)) throw error; // the client was closed
    }).finally(() => this.#servings.delete(app));
    if (!this.closed.end && serving.hangUp) await Promise.all([...serving.calls.keys()].map((channel) => this.hangUp(channel)));
    await Promise.all(serving.calls.values());
  }

  // Ends everything that is waited for.
  close(error) {
    this.closed.finish(error);
    this.group?.end(error);
    for (const one of [...this.#channels.values(), ...this.#bridges.values()]) one.waits.finish(error);
    for (const {leg} of this.#legs.values()) leg.waits.finish(error);
  }

  // Records.

  async #read() {
    try {
      for (;;) this.#take(await this.#client.next());
    } catch (error) {
      this.close(error);
    }
  }

  #take(item) {
    this.#dispatch(item);
    this.group?.take(item);
  }

  #dispatch(item) {
    const {type, server} = item;
    switch (type) {
      case 'subscribed':
        if (item.resumed === false) this.#later(this.#catchUp());
        return;
      case 'lost':
        this.#later(this.#catchUp());
        return;
      case 'StasisStart':
        this.#entered(server, item.app, item.args, item.channel, !item.synthetic, this.group?.callOf(item));
        return;
      case 'PlaybackFinished':
        this.#ended('playback', server, item);
        return;
      case 'RecordingFinished':
      case 'RecordingFailed':
        this.#ended('recording', server, item);
        return;
      case 'state.changed':
        for (const one of item.objects.playbacks ?? []) this.#ended('playback', server, one);
        for (const one of item.objects.recordings ?? []) this.#ended('recording', server, one);
        return;
      case 'BridgeDestroyed':
        if (this.#bridges.has(item.bridge.id)) this.#bridgeGone(this.#bridges.get(item.bridge.id));
        return;
      case 'server.resynced':
      case 'server.removed':
        this.#reconcile(server, item.channels ?? []);
        return;
      case 'state.gone':
        for (const id of item.channels ?? []) this.#gone(server, id);
        return;
      default:
        if (item.channel) this.#ofChannel(item);
    }
  }

  #ofChannel({type, server, app, channel: data, ...item}) {
    const channel = this.#channels.get(key(server, data.id));
    if (type === 'ChannelDestroyed' || (type === 'StasisEnd' && channel?.app === app)) {
      this.#gone(server, data.id);
    } else if (channel) {
      channel.data = data;
      if (type === 'ChannelDtmfReceived') channel.pressed(item.digit);
      else if (type === 'ChannelHangupRequest') channel.isLeaving = true;
      else if (type === 'ChannelLeftBridge') this.#bridges.get(item.bridge.id)?.channelLeft(channel);
    }
  }

  #entered(server, app, args, data, isTold, call = null) {
    const {id} = data;
    const known = this.#channels.get(key(server, id));
    if (known?.app === app) {
      known.data = data;
      if (known.args.length === 0) known.args = args;
      return;
    }
    if (known) this.#end(known); // it was moved to another application
    const {leg, entered} = this.#legs.get(id) ?? {};
    const channel = Object.assign(leg ?? new Channel(this, id), {server, app, data});
    channel.args = leg && args[0] === LEG ? args.slice(1) : args;
    if (this.#abandoned.has(id)) {
      this.#later(this.hangUp(channel));
      return;
    }
    const serving = this.#own.has(id) ? undefined : this.#servings.get(app);
    if (!leg && !call && !serving?.wants(channel, isTold)) return;
    this.#channels.set(key(server, id), channel);
    call?.add(channel);
    entered?.resolve();
    if (serving) serving.calls.set(channel, this.#handle(serving, channel));
  }

  async #handle(serving, channel) {
    try {
      await serving.handler(channel);
    } catch (error) {
      const hasHungUp = error instanceof ChannelGone && error.data.channelId === channel.id;
      if (!hasHungUp && !this.closed.end) serving.onError(error, channel);
    }
    for (const leg of channel.legs) await this.hangUp(leg);
    if (serving.hangUp) await this.hangUp(channel);
    serving.calls.delete(channel);
  }

  #gone(server, id) {
    this.#own.delete(id);
    this.#abandoned.delete(id);
    const channel = this.#channels.get(key(server, id));
    if (channel) this.#end(channel);
  }

  #end(channel) {
    this.#channels.delete(key(channel.server, channel.id));
    channel.call?.remove(channel);
    channel.waits.finish(channel.goneError());
    for (const bridge of this.#bridges.values()) bridge.channelLeft(channel);
    for (const leg of channel.legs) this.#later(this.hangUp(leg));
  }

  // For calls of the group.

  // Whether this client creates, or has created, the channel.
  creates(id) { return this.#own.has(id); }

  // Whether this client creates the channel, and it has not entered its application yet.
  awaits(id) { return this.#legs.has(id); }

  // The channel, which is in an application.
  adopt(server, app, args, data) {
    const channel = this.#channels.get(key(server, data.id)) ?? new Channel(this, data.id);
    Object.assign(channel, {server, app, data});
    if (args.length > 0) channel.args = args;
    this.#channels.set(key(server, data.id), channel);
    return channel;
  }

  // Another program controls the channel now.
  release(channel, error) {
    const at = key(channel.server, channel.id);
    if (this.#channels.get(at) === channel) this.#channels.delete(at);
    channel.waits.finish(error);
  }

  // Calls a method of the daemon at once.
  run(method, params) { return this.#client.run(method, params); }

  later(work) { this.#later(work); }

  get isReady() { return this.#client.isReady(); }

  #bridgeGone(bridge) {
    this.#bridges.delete(bridge.id);
    bridge.waits.finish(bridge.goneError());
  }

  // Handles a record about a playback or recording.
  #ended(kind, server, item) {
    const object = item[kind];
    const id = kind === 'playback' ? object?.id : object?.name;
    if (!ENDED.includes(object?.state)) return;
    for (const ending of this.#endings) {
      if (ending.kind === kind && ending.id === id && isOn(ending.target, server)) ending.resolve(object);
    }
  }

  // After records were missed.

  // Removes the channels of this server that Asterisk no longer has.
  #reconcile(server, channels) {
    for (const known of [...this.#channels.values()]) {
      if (known.server === server && !channels.includes(known.id)) this.#gone(server, known.id);
    }
    this.#lookAt(server);
  }

  // Asks whether the playbacks, recordings and bridges that are waited for still exist.
  #lookAt(server) {
    for (const ending of this.#endings) {
      if (isOn(ending.target, server) && ending.begun) this.#later(this.#lookAtEnding(ending));
    }
    for (const bridge of this.#bridges.values()) {
      if (isOn(bridge, server)) this.#later(this.#lookAtBridge(bridge));
    }
  }

  async #lookAtEnding(ending) {
    if (!await this.#isThere(ending)) ending.resolve({...ending.begun, state: 'done'});
  }

  async #isThere(ending) {
    const [method, name] = ending.kind === 'playback' ? ['playbacks.get', 'playbackId'] : ['recordings.getLive', 'recordingName'];
    try {
      ending.begun = await this.call(method, {[name]: ending.id, server: ending.target.server});
      return true;
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
      return false;
    }
  }

  async #lookAtBridge(bridge) {
    const channels = [...bridge.channels];
    const found = await bridge.operate('bridges.get');
    for (const channel of channels) {
      if (!found.channels.includes(channel.id)) bridge.channelLeft(channel);
    }
  }

  // Asks for the live channels. For an Asterisk that is not ready, server.resynced follows later.
  async #catchUp() {
    const known = [...this.#channels.values()];
    const {servers} = await this.call('status', {});
    const {channels} = await this.call('state.channels', {});
    const ready = new Set(servers.filter(({state}) => state === 'ready').map(({name}) => name));
    const there = new Set(channels.map(({server, app, channel}) => JSON.stringify([server, app, channel.id])));
    for (const {server, app, id} of known) {
      if (ready.has(server) && !there.has(JSON.stringify([server, app, id]))) this.#gone(server, id);
    }
    for (const {server, app, channel} of channels) {
      const {app_name: name, app_data: data = ''} = channel.dialplan;
      if (ready.has(server) && app) {
        this.#entered(server, app, name === 'Stasis' ? data.split(',').slice(1) : [], channel, false);
      }
    }
    for (const server of ready) this.#lookAt(server);
  }
}

function isOn(target, server) {
  return target.server === undefined || target.server === server;
}
