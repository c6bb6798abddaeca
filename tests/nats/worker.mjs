// A worker of the group `g`, in the hands of a test: as worker.py.
import {connect} from '@nats-io/transport-node';
import {AribusError, Client} from '../../lib/node/index.js';
import {Client as Many} from '../../lib/node/nats.js';

const PACE = 250; // ms
const say = (...what) => process.stdout.write(`\n${JSON.stringify(what)}\n`); // a kill may have cut the line before
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

let numbers = 0;

// Not by the channel, whose commands end with the call's release: as a program that does not know of that yet.
async function command(pbx, member, call) {
  const value = `${member}:${process.pid}-${++numbers}`;
  let outcome = 'ok';
  try {
    await call.client.call('channels.setChannelVar', {channelId: call.channel.id, variable: 'OWNER', value, epoch: call.epoch});
  } catch (error) {
    if (!(error instanceof AribusError)) throw error;
    outcome = error.name;
  }
  say('command', pbx, call.id, call.epoch, value, outcome);
}

async function setAgain(pbx, member, call) {
  try {
    await call.accept();
    while (call.released === null) {
      await command(pbx, member, call);
      await pause(PACE);
    }
  } catch (error) {
    if (!(error instanceof AribusError)) throw error;
    say('refused', pbx, call.id, call.epoch, error.name);
  }
}

async function serve(pbx, member, call) {
  say('assigned', pbx, call.id, call.epoch, call.reason);
  setAgain(pbx, member, call);
  for await (const record of call) say('record', pbx, call.id, call.epoch, record.seq ?? null, record.type);
  say('released', pbx, call.id, call.epoch, call.released);
  if (!['ended', 'left'].includes(call.released)) await command(pbx, member, call); // it is another one's: this must be refused
}

async function run(client, pbx, params) {
  const group = client.group('g', params);
  try {
    await group.join();
    say('joined', group.transport, group.member);
    process.on('SIGTERM', () => group.leave());
    for await (const call of group) serve(call.pbx || pbx, group.member, call);
    say('left');
  } catch (error) {
    if (!(error instanceof AribusError)) throw error;
    say('error', error.name, error.message);
  }
}

const [transport, address, ...rest] = process.argv.slice(2);
const {lease = 10, ...params} = JSON.parse(rest.at(-1));
if (transport === 'unix') {
  const client = await Client.connect({path: address, wait: 60_000});
  await run(client, rest[0], params);
  await client.close();
} else {
  const [rule, pbxs] = rest;
  const connection = await connect({servers: address, reconnectTimeWait: 100, maxReconnectAttempts: -1, pingInterval: 1000});
  process.on('SIGINT', () => client.close());
  const client = new Many(connection, rule, {pbxs: pbxs === 'all' ? undefined : pbxs.split(','), lease: 1000 * lease});
  await run(client, '', params);
  await client.close();
  await connection.close();
}
