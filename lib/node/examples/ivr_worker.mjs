// An IVR of which several copies share the calls: it plays a menu, and connects the caller to the endpoint of the digit pressed.
// Usage: ivr_worker.mjs APP DIGIT=ENDPOINT ...      as in: ivr_worker.mjs aribus 1=PJSIP/100 2=PJSIP/200
//
// Each call belongs to one copy. If that copy ends in any way, its calls go on in another one: what it needs to know of a call is
// in Asterisk, as channels, bridges and channel variables. SIGTERM: it takes no more calls, and ends with its last one.
import {CallFailed, ChannelGone, Client, NotConnected, NotOwner, OutcomeUnknown, Refused} from 'aribus';

const MENU = 'sound:vm-enter-num-to-call';
const TRIES = 'IVR_TRIES'; // a variable of the caller's channel: how many choices were wrong
const MAX_TRIES = 3;

const [app, ...choices] = process.argv.slice(2);
if (!app || app.startsWith('-')) {
  console.error('Usage: ivr_worker.mjs APPLICATION DIGIT=ENDPOINT…, for example ivr_worker.mjs aribus 1=PJSIP/200');
  process.exit(1);
}
const parties = new Map(choices.map((choice) => choice.split(/=(.*)/s).slice(0, 2)));
const client = await Client.connect({wait: 60_000});
const bridgeOf = (caller) => `${caller.id}-bridge`;

async function handle(call) {
  try {
    await call.accept();
    if (call.reason !== 'new') console.log(call.reason, call.channel.id, 'from', call.previous);
    if (call.channel.id === call.snapshot.channel) { // else the caller has hung up meanwhile
      // A copy before this one may have connected the caller.
      if (call.snapshot.bridges.length > 0 || await menu(call)) await talk(call);
    }
    await end(call);
  } catch (error) {
    if (error instanceof ChannelGone || error instanceof NotOwner) {
      if ([null, 'ended', 'left'].includes(call.released)) await end(call); // else it is another copy's
    } else if (error instanceof NotConnected || error instanceof OutcomeUnknown) {
      console.log('declined', call.channel.id, error.message); // a copy that is better off may go on
      await call.decline();
    } else {
      throw error;
    }
  }
}

// Whether the caller was connected.
async function menu(call) {
  const caller = call.channel;
  for (const {channel: leg} of call.snapshot.channels) { // a copy before this one was just calling it
    if (leg.id !== caller.id) await call.command('channels.hangup', {channelId: leg.id});
  }
  await caller.answer();
  for (let tries = Number(await caller.get(TRIES)); tries < MAX_TRIES;) {
    console.log('menu', caller.id);
    const endpoint = parties.get(await caller.play(MENU, {terminateOn: 'any'}) ?? await caller.digit(30_000));
    if (endpoint) {
      try {
        const party = await client.originate(endpoint, {timeout: 20, originator: caller});
        await call.command('bridge', {channels: [caller.id, party.id], bridgeId: bridgeOf(caller)});
        return true;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        console.log(error.outcome, caller.id);
      }
    }
    tries += 1;
    await caller.set(TRIES, String(tries));
  }
  return false;
}

// Until one of the two leaves.
async function talk(call) {
  console.log('talking', call.channel.id);
  while (call.channels.length > 1 && !(await call.next()).done);
}

async function end(call) {
  await Promise.all(call.channels.map((channel) => channel.hangup().catch(ignore)));
  await client.call('bridges.destroy', {bridgeId: bridgeOf(call.channel), server: call.server}).catch(ignore);
  console.log('ended', call.channel.id);
}

function ignore(error) {
  if (![Refused, ChannelGone, NotOwner].some((kind) => error instanceof kind)) throw error;
}

const group = client.group('ivr', {apps: [app], capacity: 100});
const running = new Set();
process.on('SIGTERM', () => group.leave({drain: true}));
for await (const call of group) {
  console.log('call', call.channel.id);
  const handled = handle(call).finally(() => running.delete(handled));
  running.add(handled);
}
await Promise.all(running);
await client.close();
