// Answers each call, says hello, and hangs up. Several copies share the calls.
// Usage: hello_worker.mjs APP      as in: hello_worker.mjs aribus
import {ChannelGone, Client, NotOwner} from 'aribus';

async function hello(call) {
  try {
    await call.accept();
    console.log(call.channel.number, 'calls', call.reason);
    await call.channel.answer();
    await call.channel.play('sound:hello-world');
    await call.channel.hangup();
  } catch (error) { // the caller has hung up, or the call is another copy's
    if (!(error instanceof ChannelGone || error instanceof NotOwner)) throw error;
  }
}

const client = await Client.connect({wait: 60_000});
for await (const call of client.group('hello', {apps: [process.argv[2]], capacity: 20})) hello(call);
