// A worker on any machine: several of them share the calls of all PBXs. It greets the caller, and hangs up. When one is killed, the
// others go on with its calls.
//
// Usage: node worker.mjs NATS_URL NAME
import {connect} from '@nats-io/transport-node';
import {ChannelGone, NotOwner} from 'aribus';
import {Client} from 'aribus/nats';

const [servers, member] = process.argv.slice(2);
const connection = await connect({servers, maxReconnectAttempts: -1});
const client = new Client(connection, 'control', {lease: 2000}); // 2 s, not 10: so that the demo is short

async function greet(call) {
  try {
    await call.accept();
    console.log(member, call.pbx, call.channel.data.caller.name, call.reason, call.previous && `from ${call.previous}`);
    await call.channel.answer();
    await call.channel.play('sound:hello-world');
    await call.channel.hangup();
  } catch (error) { // the caller has hung up, or the call is another worker's
    if (!(error instanceof ChannelGone || error instanceof NotOwner)) throw error;
  }
}

const workers = await client.group('greeters', {apps: ['demo'], member}).join();
console.log(member, 'joins the group greeters at each PBX that it finds');
for await (const call of workers) greet(call);
