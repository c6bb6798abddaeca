// An IVR: it answers calls, plays a menu, and connects the caller to the endpoint of the digit that was pressed.
//
// Usage: ivr.mjs APP STATE_FILE DIGIT=ENDPOINT ...      as in: ivr.mjs aribus ivr.json 1=PJSIP/100 2=PJSIP/200
//
// It can be restarted while calls are in progress, and so can aribusd and Asterisk: STATE_FILE holds the state of the calls
// at a cursor, from which it resumes. The program chooses the ids of each step, so that a step can be repeated.
import {existsSync, readFileSync, renameSync, writeFileSync} from 'node:fs';

import {Client, NotConnected, OutcomeUnknown, Refused} from 'aribus';

const MENU = ['sound:vm-enter-num-to-call'];
const PARTY = '-party';

class Ivr {
  // The calls by the caller's channel: {step: 'menu' | 'calling' | 'talking' | 'ended', done: whether that step's
  // commands went through, menus: how many were played, digit: what was pressed}
  calls = {};
  cursor = null;

  constructor(client, app, stateFile, parties) {
    Object.assign(this, {client, app, stateFile, parties});
    if (existsSync(stateFile)) [this.calls, this.cursor] = JSON.parse(readFileSync(stateFile));
  }

  async run() {
    const wanted = {types: ['StasisStart', 'StasisEnd', 'ChannelDestroyed', 'ChannelDtmfReceived', 'server.gap',
      'server.resynced', 'state.gone', 'command.resolved'], apps: [this.app, '']};
    if (this.cursor) wanted.since = this.cursor;
    await this.client.subscribe(wanted);
    for await (const item of this.client) {
      await this.handle(item);
      writeFileSync(`${this.stateFile}.new`, JSON.stringify([this.calls, this.client.cursor]));
      renameSync(`${this.stateFile}.new`, this.stateFile);
    }
  }

  async handle(item) {
    switch (item.type) {
      case 'subscribed':
        if (item.resumed === false) this.missed(item.reason);
        if (!item.resumed) await this.takeOver();
        return this.goOn();
      case 'disconnected':
        return console.log('disconnected:', item.reason);
      case 'lost':
        this.missed('lost');
        return this.goOn();
      case 'server.gap':
        return this.missed(item.reason);
      case 'server.resynced':
        this.forgetAllBut(item.channels ?? []);
        return this.goOn();
      case 'state.gone': // their end was found out later
        for (const channel of item.channels ?? []) await this.left(channel);
        return undefined;
      case 'command.resolved':
        return this.goOn();
      case 'StasisStart':
        return this.entered(item.channel.id);
      case 'ChannelDtmfReceived':
        return this.pressed(item.channel.id, item.digit, item.seq);
      default:
        return this.left(item.channel.id);
    }
  }

  // A digit may have been missed: plays the menu again.
  missed(why) {
    console.log('missed something:', why);
    for (const call of Object.values(this.calls)) if (call.step === 'menu') call.done = false;
  }

  // Asks for the live channels. If an Asterisk is not ready, server.resynced follows later.
  async takeOver() {
    let status, channels;
    try {
      status = await this.client.call('status');
      ({channels} = await this.client.call('state.channels'));
    } catch (error) {
      if (error instanceof NotConnected || error instanceof OutcomeUnknown) return; // the client reconnects
      throw error;
    }
    if (status.servers.some((server) => server.state !== 'ready')) return;
    this.forgetAllBut(channels.map((one) => one.channel.id));
    for (const one of channels) if (one.app === this.app && !one.bridge) await this.entered(one.channel.id);
  }

  forgetAllBut(living) {
    for (const [caller, call] of Object.entries(this.calls)) {
      if (!living.includes(caller)) this.turn(call, 'ended');
      else if (!living.includes(caller + PARTY) && call.done) this.partyLeft(call);
    }
  }

  async entered(channel) {
    const isParty = channel.endsWith(PARTY);
    const caller = isParty ? channel.slice(0, -PARTY.length) : channel;
    const call = this.calls[caller];
    if (!call && !isParty) {
      console.log('call', caller);
      this.calls[caller] = {step: 'menu', done: false, menus: 0};
    } else if (!call) {
      this.calls[caller] = {step: 'ended', done: false};
    } else if (isParty && ['menu', 'calling'].includes(call.step)) {
      this.turn(call, 'talking');
    }
    await this.advance(caller);
  }

  async pressed(channel, digit, seq) {
    console.log('digit', digit, channel, seq);
    const call = this.calls[channel];
    if (call?.step !== 'menu') return;
    this.turn(call, digit in this.parties ? 'calling' : 'menu');
    call.digit = digit;
    await this.advance(channel);
  }

  async left(channel) {
    const isParty = channel.endsWith(PARTY);
    const caller = isParty ? channel.slice(0, -PARTY.length) : channel;
    const call = this.calls[caller];
    if (!call) return;
    if (isParty) this.partyLeft(call);
    else this.turn(call, 'ended');
    await this.advance(caller);
  }

  partyLeft(call) {
    if (call.step === 'calling') this.turn(call, 'menu');
    else if (call.step === 'talking') this.turn(call, 'ended');
  }

  turn(call, step) {
    Object.assign(call, {step, done: false});
  }

  // Repeats the steps that did not succeed.
  async goOn() {
    for (const caller of Object.keys(this.calls)) await this.advance(caller);
  }

  async advance(caller) {
    const call = this.calls[caller];
    if (call.done) return;
    try {
      await this[call.step](caller, call);
      call.done = true;
      console.log(call.step, caller);
    } catch (error) {
      if (error instanceof NotConnected || error instanceof OutcomeUnknown) {
        console.log(`${call.step} ${caller} has to wait: ${error.message}`); // repeated by goOn()
        return;
      }
      if (!(error instanceof Refused)) throw error;
      console.log(`${call.step} ${caller} failed: ${error.message}`);
      if (call.step === 'calling') {
        this.turn(call, 'menu');
        return this.advance(caller);
      }
      call.done = true; // the caller has left; an event will report it
    }
    if (call.step === 'ended') delete this.calls[caller];
  }

  async menu(caller, call) {
    await this.stopMenu(caller, call);
    await this.client.call('channels.answer', {channelId: caller});
    call.menus += 1;
    await this.client.call('channels.play', {channelId: caller, media: MENU,
      playbackId: `${caller}-menu-${call.menus}`});
  }

  async calling(caller, call) {
    await this.stopMenu(caller, call);
    try {
      await this.client.call('channels.originate', {endpoint: this.parties[call.digit], channelId: caller + PARTY,
        app: this.app, timeout: 20});
    } catch (error) {
      if (error.status !== 409) throw error; // the channel exists already
    }
  }

  async talking(caller, call) {
    await this.stopMenu(caller, call);
    await this.client.call('bridge', {channels: [caller, caller + PARTY], bridgeId: `${caller}-bridge`});
  }

  async ended(caller) {
    await this.unlessGone('channels.hangup', {channelId: caller});
    await this.unlessGone('channels.hangup', {channelId: caller + PARTY});
    await this.unlessGone('bridges.destroy', {bridgeId: `${caller}-bridge`});
  }

  stopMenu(caller, call) {
    return this.unlessGone('playbacks.stop', {playbackId: `${caller}-menu-${call.menus}`});
  }

  async unlessGone(method, params) {
    try {
      await this.client.call(method, params);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
}

const [app, stateFile, ...parties] = process.argv.slice(2);
if (stateFile === undefined || app.startsWith('-')) {
  console.error('Usage: ivr.mjs APPLICATION STATE_FILE DIGIT=ENDPOINT…, for example ivr.mjs aribus ivr.json 1=PJSIP/200');
  process.exit(2);
}
const client = await Client.connect({wait: 60_000});
await new Ivr(client, app, stateFile, Object.fromEntries(parties.map((party) => party.split('=', 2)))).run();
