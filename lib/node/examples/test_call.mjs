// A call without a telephone: it calls an extension of the dialplan, presses digits, and waits until the other end hangs up.
// Usage: test_call.mjs EXTENSION@CONTEXT [DIGITS]      as in: test_call.mjs 100@default 1
import {setTimeout as sleep} from 'node:timers/promises';

import {CallFailed, Client} from 'aribus';

const [where, digits = ''] = process.argv.slice(2);
const client = await Client.connect();
try {
  // One half of a Local channel enters the dialplan like a telephone's call; this program gets the other half.
  const phone = await client.originate(`Local/${where}/n`, {timeout: 20, callerId: 'Test <555>'});
  console.log('answered');
  for (const digit of digits) {
    await sleep(1000);
    await phone.dtmf(digit);
    console.log('pressed', digit);
  }
  await phone.gone();
  console.log('hung up by the other end');
} catch (error) {
  if (!(error instanceof CallFailed)) throw error;
  console.log(error.message);
  process.exitCode = 1;
} finally {
  await client.close();
}
