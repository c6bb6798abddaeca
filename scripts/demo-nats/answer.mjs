// Answers each call of all PBXs, from any machine: plays a greeting and hangs up.
//
// Usage: node answer.mjs NATS_URL PBX …
import {connect} from '@nats-io/transport-node';
import {AribusError} from 'aribus';
import {Commands, Records} from 'aribus/nats';

const [servers, ...pbxs] = process.argv.slice(2);
const connection = await connect({servers, maxReconnectAttempts: -1});
const commands = new Commands(connection, 'control');

async function greet(pbx, channelId) {
  try {
    await commands.call(pbx, 'channels.answer', {channelId});
    await commands.call(pbx, 'play', {channelId, media: 'sound:hello-world', wait: true});
    await commands.call(pbx, 'hangup', {channelId});
  } catch (error) {
    if (!(error instanceof AribusError)) throw error;
    console.log(pbx, channelId, error.message); // the caller has hung up, or the PBX is away
  }
}

const records = await Records.open(connection, {name: 'answer', pbxs, types: 'StasisStart'});
console.log('answering the calls of', pbxs.join(', '));
for await (const {pbx, item} of records) {
  if (item.type === 'StasisStart') greet(pbx, item.channel.id); // and on to the next call
}
