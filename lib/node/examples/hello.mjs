// Answers each call, says hello, and hangs up.
import {Client, Refused} from 'aribus';

const client = await Client.connect();
await client.subscribe({types: ['StasisStart']});
for await (const item of client) {
  if (item.type !== 'StasisStart') continue;
  const {id, caller} = item.channel;
  console.log(caller.number, 'calls');
  try {
    await client.call('channels.answer', {channelId: id});
    await client.call('play', {channelId: id, media: 'sound:hello-world', wait: true});
    await client.call('hangup', {channelId: id});
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(error.message); // the caller has gone
  }
}
