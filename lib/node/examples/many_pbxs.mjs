// Answers the calls of many PBXs, from any machine, over NATS.
//
// Usage: many_pbxs.mjs NAME PBX...      as in: many_pbxs.mjs ivr pbx1 pbx2
// NAME: of its consumers and of the access rule. $NATS_URL: of nats-server. $NATS_USER, $NATS_PASSWORD. $NATS_PREFIX: of
// JetStream's API, if not the default.
import {connect} from '@nats-io/transport-node';
import {AribusError} from 'aribus';
import {Commands, Records} from 'aribus/nats';

const [name, ...pbxs] = process.argv.slice(2);
const {NATS_URL = 'nats://127.0.0.1:4222', NATS_USER, NATS_PASSWORD, NATS_PREFIX} = process.env;
const connection = await connect({
  servers: NATS_URL, user: NATS_USER, pass: NATS_PASSWORD, maxReconnectAttempts: -1, inboxPrefix: `_INBOX_${name}`});
const commands = new Commands(connection, name);

async function greet(pbx, channelId) {
  try {
    await commands.call(pbx, 'channels.answer', {channelId});
    await commands.call(pbx, 'play', {channelId, media: 'sound:hello-world', wait: true});
    await commands.call(pbx, 'channels.hangup', {channelId});
  } catch (error) { // for example: the caller has hung up
    if (!(error instanceof AribusError)) throw error;
    console.log(pbx, channelId, error.message);
  }
}

const records = await Records.open(connection, {name, pbxs, types: 'StasisStart', prefix: NATS_PREFIX});
for await (const {pbx, item} of records) {
  if (item.type === 'StasisStart') {
    console.log(item.channel.caller.number, 'calls', pbx);
    greet(pbx, item.channel.id);
  } else {
    console.log(pbx, item); // records are missing: their calls are not answered
  }
}
