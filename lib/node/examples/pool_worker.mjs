// Answers the calls of many PBXs over NATS, says hello, and hangs up. Several copies, on any machines, share the calls.
// Usage: pool_worker.mjs RULE APP [PBX...]      as in: pool_worker.mjs ivr aribus, for all PBXs that offer the rule
// $NATS_URL: of nats-server, with user and password. $NATS_INBOX: the prefix of the user's inboxes.
import {connect} from '@nats-io/transport-node';
import {ChannelGone, NotOwner} from 'aribus';
import {Client} from 'aribus/nats';

async function hello(call) {
  try {
    await call.accept();
    console.log(call.channel.number, 'calls', call.pbx, call.reason);
    await call.channel.answer();
    await call.channel.play('sound:hello-world');
    await call.channel.hangup();
  } catch (error) { // the caller has hung up, or the call is another copy's
    if (!(error instanceof ChannelGone || error instanceof NotOwner)) throw error;
  }
}

const [rule, app, ...pbxs] = process.argv.slice(2);
const {NATS_URL = 'nats://127.0.0.1:4222', NATS_INBOX} = process.env;
const {username, password, host} = new URL(NATS_URL);
const connection = await connect({servers: host, user: username || undefined, pass: password || undefined,
  maxReconnectAttempts: -1, inboxPrefix: NATS_INBOX});
const client = new Client(connection, rule, {pbxs: pbxs.length > 0 ? pbxs : undefined});
for await (const call of client.group('ivr', {apps: [app], capacity: 20})) hello(call);
