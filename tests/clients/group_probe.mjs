// A member of a group with the Node client, which prints what it is given and does what it is told: for group_test.py.
// Usage: group_probe.mjs PARAMS, as JSON. Lines of input: [what, call's number, …].
import readline from 'node:readline';

import {Client, NotOwner} from '../../lib/node/index.js';

const calls = []; // in the order in which they were given
const tell = (...what) => console.log(JSON.stringify(what));
const client = await Client.connect({wait: 10_000});
const group = client.group('g', JSON.parse(process.argv[2]));

async function read(number, call) {
  for await (const item of call) tell('record', number, item.type, item.seq ?? null);
  tell('released', number, call.released);
}

async function give() {
  try {
    for await (const call of group) {
      const number = calls.push(call) - 1;
      tell('call', number, {id: call.id, epoch: call.epoch, server: call.server, reason: call.reason, previous: call.previous,
        args: call.args, channel: call.channel.id, channels: call.channels.map(({id}) => id), accepted: call.accepted});
      read(number, call);
    }
    tell('over', group.member);
  } catch (error) {
    tell('over', error.name);
  }
}

async function act(what, number = 0, ...more) {
  const call = calls[number];
  switch (what) {
    case 'accept':
      return call.accept();
    case 'decline':
      return call.decline();
    case 'hand_over':
      return call.handOver(...more);
    case 'command':
      return call.command(...more);
    case 'answer':
      return call.channel.answer();
    case 'digit':
      return call.channel.digit();
    case 'originate': {
      const leg = await client.originate('PJSIP/1', {originator: call.channel});
      return [leg.id, leg.call === call];
    }
    case 'leave': {
      const {drain, timeout} = number;
      return group.leave({drain, timeout: timeout && timeout * 1000});
    }
    case 'block':
      for (const until = Date.now() + number * 1000; Date.now() < until;);
      return undefined;
    default:
      return client.serve('demo', () => {});
  }
}

give();
for await (const line of readline.createInterface({input: process.stdin})) {
  const what = JSON.parse(line);
  act(...what).then((result) => tell(what[0], result ?? null), (error) => {
    if (error instanceof NotOwner) tell(what[0], ['NotOwner', error.owner, error.epoch]);
    else tell(what[0], error.name === 'Error' ? 'RuntimeError' : error.name);
  });
}
