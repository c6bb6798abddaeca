// One view of the calls of all PBXs: a table on a terminal, elsewhere a line for each change.
//
// Usage: node calls.mjs NATS_URL PBX …
import {connect} from '@nats-io/transport-node';
import {Records} from 'aribus/nats';

const [servers, ...pbxs] = process.argv.slice(2);
const live = process.stdout.isTTY;
const calls = new Map(); // those that are on: {pbx, caller, state, since}
const ended = new Map(pbxs.map((pbx) => [pbx, 0]));

// The state of the call after a record; null: the call has ended; undefined: the record says nothing about a call.
function stateOf(item) {
  switch (item.type) {
    case 'StasisStart':
    case 'ChannelStateChange': return item.channel.state === 'Up' ? 'answered' : 'rings';
    case 'PlaybackStarted': return `hears ${item.playback.media_uri}`;
    case 'StasisEnd': return null;
    default: return undefined;
  }
}

function show(pbx, item) {
  const state = stateOf(item);
  const channel = item.channels?.[0];
  if (state === undefined || !channel) return;
  const key = `${pbx} ${channel}`;
  const call = calls.get(key) ?? {pbx, channel, caller: item.channel?.caller.name ?? '', since: Date.now()};
  call.state = state ?? 'hung up';
  if (state === null) {
    calls.delete(key);
    ended.set(pbx, ended.get(pbx) + 1);
  } else {
    calls.set(key, call);
  }
  if (!live) console.log(pbx, call.caller, call.state);
}

let drawn = 0; // lines

function draw() {
  const row = (...cells) => cells.map((cell, i) => String(cell).padEnd([8, 18, 10, 28, 6][i])).join('');
  const rows = [...calls.values()].map((call) =>
    row(call.pbx, call.channel, call.caller, call.state, `${Math.round((Date.now() - call.since) / 1000)} s`));
  const total = [...ended].map(([pbx, count]) => `${pbx} ${count}`).join(', ');
  const lines = [row('PBX', 'CHANNEL', 'CALLER', 'STATE', 'FOR'), ...rows.slice(0, Math.max(1, (process.stdout.rows || 24) - 6)), '',
    `calls that have ended: ${total}`, 'Ctrl-C ends the demo'];
  process.stdout.write(`${drawn > 0 ? `\x1b[${drawn}A\x1b[J` : ''}${lines.join('\n')}\n`); // over what was drawn before
  drawn = lines.length;
}

const connection = await connect({servers, maxReconnectAttempts: -1});
const records = await Records.open(connection, {name: 'calls', pbxs});
if (live) setInterval(draw, 500);
else console.log('watching', pbxs.join(', '));
for await (const {pbx, item} of records) show(pbx, item);
