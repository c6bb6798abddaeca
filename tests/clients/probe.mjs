// As probe.py, with the Node client.
import readline from 'node:readline';

import {AribusError, Client} from '../../lib/node/index.js';

function tell(value) {
  console.log(JSON.stringify(value ?? null));
}

async function tellOf(result) {
  try {
    tell(await result);
  } catch (error) {
    if (!(error instanceof AribusError)) throw error;
    tell({error: error.name, message: error.message, data: error.data});
  }
}

let client = null;
await tellOf((async () => { client = await Client.connect({maxLineBytes: 8 * 1024 * 1024}); })());
if (client) {
  for await (const line of readline.createInterface({input: process.stdin})) {
    const [what, ...parameters] = JSON.parse(line);
    await tellOf(what === 'cursor' ? client.cursor : client[what](...parameters));
  }
  client.close();
}
