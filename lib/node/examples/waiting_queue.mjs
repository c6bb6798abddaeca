// A queue: callers wait with music on hold for the next free agent.
// Usage: waiting_queue.mjs APP ENDPOINT ...      as in: waiting_queue.mjs aribus PJSIP/100 PJSIP/200
import {setTimeout as sleep} from 'node:timers/promises';

import {CallFailed, Client} from 'aribus';

const [app, ...free] = process.argv.slice(2);
const waiting = []; // callers without an agent: the longest waiting one gets the next
let room = null;

function take() {
  return free.length > 0 ? Promise.resolve(free.shift()) : new Promise((resolve) => { waiting.push(resolve); });
}

function give(agent) {
  const next = waiting.shift();
  if (next) next(agent);
  else free.push(agent);
}

async function makeRoom() {
  const bridge = await client.bridge([], {type: 'holding', name: `${app} queue`});
  await bridge.startMoh();
  return bridge;
}

const client = await Client.connect({wait: 60_000});
await client.serve(app, async (caller) => {
  await caller.answer();
  if (room === null || (await room).isGone) room = makeRoom();
  await (await room).add(caller);
  console.log('waits', caller.id);
  for (;;) {
    const agent = await take();
    try {
      const line = await client.originate(agent, {timeout: 15, originator: caller});
      const bridge = await client.bridge([caller, line]);
      console.log('talking', caller.id);
      await bridge.left();
      return await bridge.destroy();
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      console.log(error.outcome, agent);
      await sleep(1000);
    } finally {
      give(agent);
    }
  }
});
