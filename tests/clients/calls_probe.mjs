// Serves calls with the Node client, each as its first argument says, and prints what comes of it: for calls_test.py.
import {CallFailed, Client} from '../../lib/node/index.js';

const client = await Client.connect({wait: 10_000});

async function act(call) {
  const [what, more] = call.args;
  switch (what) {
    case 'play':
      return call.play('sound:x', {terminateOn: more ?? 'none'});
    case 'type ahead':
      await call.play('sound:x');
      return [await call.play('sound:y', {terminateOn: '2'}), await call.digit(0), await call.digit(0)];
    case 'digit':
      return call.digit();
    case 'digits':
      return call.digits(5);
    case 'record':
      return (await call.record('message')).state;
    case 'originate': {
      const leg = await client.originate('PJSIP/1', {callerId: 'Somebody with a long name <100>', originator: call});
      tell(call, 'answered');
      return leg.play('sound:x');
    }
    case 'bridge':
      return (await (await client.bridge([call])).left()).id;
    case 'hand over':
      return call.continueInDialplan('default');
    case 'get':
      return call.get('X');
    case 'answer':
      return call.answer();
    case 'subscribe':
      return client.subscribe({});
    case 'fail':
      throw new RangeError('on purpose');
    default:
      return call.gone();
  }
}

function tell(call, result) {
  console.log(JSON.stringify([call.id, result ?? null]));
}

async function handler(call) {
  try {
    tell(call, await act(call));
  } catch (error) {
    if (!(error instanceof RangeError)) {
      const kind = error.name === 'Error' ? 'RuntimeError' : error.name;
      tell(call, kind + (error instanceof CallFailed ? ` ${error.outcome} ${error.cause}` : ''));
    }
    throw error;
  }
}

await client.serve('demo', handler, {args: process.argv[2] === 'filtered' ? ['wanted'] : []})
  .catch((error) => console.log(JSON.stringify(error.name)));
client.close();
