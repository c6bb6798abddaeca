// Voicemail: calls the owner, who accepts the call by pressing 1; otherwise the caller leaves a message.
// Usage: voicemail.mjs APP ENDPOINT [SECONDS]      as in: voicemail.mjs aribus PJSIP/100 20
import {CallFailed, ChannelGone, Client} from 'aribus';

const [app, endpoint, seconds = '20'] = process.argv.slice(2);
const ASK = ['sound:priv-callpending', 'sound:vm-press', 'digits:1'];

const client = await Client.connect({wait: 60_000});
await client.serve(app, async (caller) => {
  try {
    const owner = await client.originate(endpoint, {timeout: Number(seconds), originator: caller});
    if ((await owner.play(ASK, {terminateOn: 'any'}) ?? await owner.digit(5000)) === '1') {
      await caller.answer();
      const bridge = await client.bridge([caller, owner]);
      console.log('talking', caller.id);
      await bridge.left();
      return bridge.destroy();
    }
    await owner.hangup();
  } catch (error) {
    // ChannelGone: the owner has hung up; if the caller has, too, the next line throws it.
    if (!(error instanceof CallFailed || error instanceof ChannelGone)) throw error;
    console.log(error.outcome ?? 'gone', caller.id);
  }
  await caller.answer();
  await caller.play('sound:vm-intro');
  const message = await caller.record(caller.id, {beep: true, terminateOn: '#', maxSilenceSeconds: 10});
  console.log('message', caller.id);
  await caller.play([`recording:${message.name}`, 'sound:vm-goodbye']);
});
