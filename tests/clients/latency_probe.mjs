// As latency_probe.py, with the Node client.
import {Client} from '../../lib/node/index.js';

const [channel, count, ownIds] = [process.argv[2], Number(process.argv[3]), process.argv[4] === 'yes'];
const between = 40, patience = 3000; // ms
const busy = new Map(), idle = new Map();

async function take(client, times) {
  for await (const item of client) {
    if (item.type === 'ChannelDtmfReceived') times.set(item.duration_ms, process.hrtime.bigint());
  }
}

async function until(condition, ms) {
  const end = Date.now() + ms;
  while (!condition() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}

const client = await Client.connect(), other = await Client.connect();
await Promise.all([client.subscribe(), other.subscribe()]);
const failed = (error) => { console.error(error); process.exit(1); };
for (const taking of [take(client, busy), take(other, idle)]) taking.catch(failed);
client.call('play', {channelId: channel, media: 'sound:hello', ...(ownIds && {playbackId: 'own-play'})}).catch(failed);
let number = 0;
setInterval(() => {
  client.call('originate', {endpoint: 'Local/answer@default', ...(ownIds && {channelId: `own-${number++}`})}).catch(failed);
}, between);
console.log('ready');
await until(() => idle.size === count, 60_000);
await until(() => busy.size === count, patience);
const told = (times) => Object.fromEntries([...times].map(([event, at]) => [event, Number(at)]));
process.stdout.write(JSON.stringify({busy: told(busy), idle: told(idle)}) + '\n', () => process.exit());
