// Calls one person, then another, and connects the two.
// Usage: click_to_call.mjs FIRST SECOND      as in: click_to_call.mjs PJSIP/100 PJSIP/200
import {CallFailed, ChannelGone, Client} from 'aribus';

const client = await Client.connect();

async function call(firstEndpoint, secondEndpoint) {
  const first = await client.originate(firstEndpoint, {timeout: 20});
  try {
    await first.ring(); // ringback while the second person is called
    const second = await client.originate(secondEndpoint, {timeout: 20, originator: first});
    await first.ringStop();
    const bridge = await client.bridge([first, second]);
    console.log('talking');
    const left = await bridge.left();
    await bridge.destroy();
    if (left === first) return; // the second channel is hung up, because it was originated for the first
    await second.gone();
  } finally {
    if (!first.isGone) await first.hangup();
  }
}

try {
  await call(...process.argv.slice(2));
  console.log('ended');
} catch (error) {
  if (!(error instanceof CallFailed || error instanceof ChannelGone)) throw error;
  console.log(error.message);
  process.exitCode = 1;
} finally {
  await client.close();
}
