// Answers each call, says hello, and hangs up.
// Usage: hello.mjs APP      as in: hello.mjs aribus
import {Client} from 'aribus';

const client = await Client.connect();
await client.serve(process.argv[2], async (caller) => {
  console.log(caller.number, 'calls');
  await caller.answer();
  await caller.play('sound:hello-world');
});
