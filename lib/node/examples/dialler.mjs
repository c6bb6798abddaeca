// Calls many numbers, a limited number at a time, and plays a message to everyone who answers.
// Usage: dialler.mjs AT_A_TIME ENDPOINT ...      as in: dialler.mjs 2 PJSIP/100 PJSIP/200 PJSIP/300
import {CallFailed, ChannelGone, Client} from 'aribus';

const [atATime, ...endpoints] = process.argv.slice(2);
const client = await Client.connect();

async function dial(endpoint) {
  try {
    const callee = await client.originate(endpoint, {timeout: 20, callerId: 'Dentist <100>'});
    await callee.play('sound:hello-world');
    await callee.hangup();
    console.log('reached', endpoint);
  } catch (error) {
    if (error instanceof ChannelGone) console.log('hung up', endpoint);
    else if (error instanceof CallFailed) console.log(error.outcome, endpoint);
    else throw error;
  }
}

async function line() {
  while (endpoints.length > 0) await dial(endpoints.shift());
}

await Promise.all(Array.from({length: Number(atATime)}, line));
await client.close();
