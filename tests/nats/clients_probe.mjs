// aribus.nats for Node in the hands of a test: as clients_probe.py.
import {connect} from '@nats-io/transport-node';
import {AribusError} from '../../lib/node/index.js';
import {Commands, Records} from '../../lib/node/nats.js';

const say = (what) => process.stdout.write(`\n${JSON.stringify(what)}\n`); // a kill may have cut the line before

const [url, what, name, pbx, ...rest] = process.argv.slice(2);
const {username, password, host} = new URL(url);
const connection = await connect({servers: host, user: username || undefined, pass: password || undefined,
  reconnectTimeWait: 200, maxReconnectAttempts: -1, inboxPrefix: `_INBOX_${name}`});
try {
  if (what === 'call') {
    const [method, params = '{}', seconds] = rest;
    const options = seconds === undefined ? {} : {timeout: 1000 * Number(seconds)};
    const commands = new Commands(connection, name);
    if (pbx === 'any') say(await commands.callAny(method, JSON.parse(params), options));
    else say({result: await commands.call(pbx, method, JSON.parse(params), options)});
  } else {
    let {hold, count, close, ...options} = JSON.parse(rest[0] ?? '{}');
    const records = await Records.open(connection, {name, pbxs: pbx.split(','), ...options});
    say({opened: true});
    for await (const {pbx: where, item, cursor} of records) {
      say({pbx: where, item, cursor});
      if (hold !== undefined && cursor === hold) await new Promise((resolve) => { setTimeout(resolve, 3_600_000); });
      if (close !== undefined && cursor === close) await connection.close();
      if (count !== undefined && --count === 0) await records.close();
    }
  }
  await connection.close();
} catch (error) {
  if (!(error instanceof AribusError)) throw error;
  say({error: error.name, code: error.code, message: error.message});
  await connection.close();
}
