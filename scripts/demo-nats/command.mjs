// Sends one command to a PBX, or to any that is ready, and prints the answer and which PBX sent it.
//
// Usage: node command.mjs NATS_URL PBX|any METHOD [PARAMS]      as in: node command.mjs nats://127.0.0.1:4222 any ping
import {connect} from '@nats-io/transport-node';
import {AribusError} from 'aribus';
import {Commands} from 'aribus/nats';

const [servers, pbx, method, params = '{}'] = process.argv.slice(2);
const connection = await connect({servers});
const commands = new Commands(connection, 'control');
try {
  const answer = pbx === 'any' ? await commands.callAny(method, JSON.parse(params))
    : {pbx, result: await commands.call(pbx, method, JSON.parse(params))};
  console.log(JSON.stringify(answer));
} catch (error) {
  if (!(error instanceof AribusError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
await connection.close();
