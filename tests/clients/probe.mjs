// As probe.py, with the Node client.
import readline from 'node:readline';
import {setTimeout as sleep} from 'node:timers/promises';

import {AribusError, Client} from '../../lib/node/index.js';
import {GREETING, Session} from '../../lib/node/session.js';

GREETING.ms = 500;

const nested = (levels) => (levels === 1 ? [] : [nested(levels - 1)]);
const requestBytes = (params) => JSON.stringify({jsonrpc: '2.0', id: 1, method: 'anything', params}).length;
// Of a request with an id of one digit that has so many bytes.
const longText = (size) => ({a: 'x'.repeat(size - requestBytes({a: ''}))});
const circle = [];
circle.push(circle);
const wide = [circle];
for (let i = 0; i < 60; ++i) wide.unshift([wide[0], wide[0]]);

const WRONG = {
  text: {a: {b: 'M\udcfcller'}}, name: {'M\udcfcller': 1}, number: {a: [NaN]}, infinite: {a: -Infinity}, bigint: {a: [1n]},
  circle: {a: circle}, function: () => 1, deep: {a: nested(63)}, many: {a: Array(16374).fill(0)}, longest: {a: wide[1]},
  long: longText(1024 * 1024 + 1), list: Array(16376).fill(0),
};
const RIGHT = {deep: {a: nested(62)}, many: {a: Array(16373).fill(0)}, long: longText(1024 * 1024)};

function tell(value) {
  console.log(JSON.stringify(value ?? null));
}

async function tellOf(result) {
  try {
    tell(await result());
  } catch (error) {
    if (!(error instanceof AribusError)) throw error;
    tell({error: error.name, message: error.message, data: error.data});
  }
}

// Somebody closes the client while this one waits for an item.
async function iterate(client) {
  sleep(50).then(() => client.close());
  let count = 0;
  for await (const _ of client) ++count;
  return count;
}

// Calls something; how many pieces were read meanwhile, and how many of them without a turn for others before.
async function turns(client) {
  let ticks = 0, ticking = true;
  const read = [];
  const tick = () => { ++ticks; if (ticking) setImmediate(tick); };
  const {received} = Session.prototype;
  Session.prototype.received = function (data) { read.push(ticks); received.call(this, data); };
  tick();
  await client.call('ping');
  ticking = false;
  Session.prototype.received = received;
  return [read.length, read.filter((one, i) => i > 0 && one === read[i - 1]).length];
}

// At most so many items, each with the cursor behind it, until none comes in time.
let pending = null;
async function take(client, most, timeout) {
  const items = [];
  while (items.length < most) {
    pending ??= client.next().catch((error) => ({error: error.name})).then((item) => [item, client.cursor]);
    const taken = await Promise.race([pending, sleep(timeout, null)]);
    if (taken === null) break;
    pending = null;
    items.push(taken);
  }
  return items;
}

const steps = {
  take,
  turns,
  call: (client, method, params, timeout) => client.call(method, params, {timeout}),
  subscribe: (client, ...parameters) => client.subscribe(...parameters),
  next: (client) => client.next(),
  cursor: (client) => client.cursor,
  hello: (client) => client.hello,
  close: (client) => client.close(),
  wrong: (client, kind) => client.call('anything', WRONG[kind]),
  right: (client, kind) => client.call('anything', RIGHT[kind]),
  kinds: () => [Object.keys(WRONG), Object.keys(RIGHT)],
  iterate,
};

let client = null;
const wait = Number(process.argv[2] ?? 0) * 1000;
await tellOf(async () => { client = await Client.connect({maxLineBytes: 8 * 1024 * 1024, wait}); });
if (client) {
  for await (const line of readline.createInterface({input: process.stdin})) {
    const [what, ...parameters] = JSON.parse(line);
    await tellOf(() => steps[what](client, ...parameters));
  }
  client.close();
}
