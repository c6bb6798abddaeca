// A program on aribusd's WebSocket, by the npm module ws: `web_program.js SOCKET`.
'use strict';
const assert = require('assert');
const WebSocket = require('ws');

const url = `ws+unix:${process.argv[2]}:/rpc`;
const text_of = (size) => 'ä'.repeat(Math.floor(size / 2)) + 'x'.repeat(size % 2);
const later = (socket, event) => new Promise((resolve, reject) => {
  socket.once(event, (...got) => resolve(got));
  socket.once('error', reject);
});

// Connects, and returns a function that calls a method, and one that waits for the next notification.
async function connect() {
  const socket = new WebSocket(url);
  await later(socket, 'open');
  assert.strictEqual(socket.protocol, '');
  assert.strictEqual(socket.extensions, '');
  const answers = new Map(), notified = [];
  let wake = () => {};
  socket.on('message', (data, is_binary) => {
    assert(!is_binary);
    const message = JSON.parse(data);
    if ('method' in message) notified.push(message);
    else if (Array.isArray(message)) answers.get('batch')(message);
    else answers.get(message.id)(message);
    wake();
  });
  let number = 0;
  const call = (method, params = {}, send = (text) => socket.send(text)) => new Promise((resolve) => {
    answers.set(++number, resolve);
    send(JSON.stringify({jsonrpc: '2.0', id: number, method, params}, null, 1));  // lines within a message
  });
  const notification = async () => {
    while (notified.length === 0) await new Promise((resolve) => { wake = resolve; });
    return notified.shift();
  };
  return {socket, answers, call, notification};
}

async function refused(options, status) {
  const socket = new WebSocket(options.url || url, {origin: options.origin});
  const [, answer] = await later(socket, 'unexpected-response');
  assert.strictEqual(answer.statusCode, status);
}

async function main() {
  const {socket, answers, call, notification} = await connect();
  assert.deepStrictEqual((await call('ping')).result, {});
  assert.strictEqual((await call('hello')).result.peer.socket, process.argv[2]);

  // Answers of all sizes, one that is written bit by bit among them.
  for (const size of [1, 100, 125, 126, 127, 60000, 65535, 65536, 500000]) {
    const answer = await call('ping', {no: text_of(size)});
    assert.strictEqual(answer.error.code, -32602);
  }
  assert((await call('rpc.discover')).result.methods.length > 50);
  const long = await call('ping', {no: text_of(1 << 20)});
  assert.strictEqual(long.error.code, -32600);

  // Fragments, a ping between them, and pings while a large answer comes.
  const fragments = (text) => {
    socket.send(text.slice(0, 5), {fin: false});
    socket.ping('between');
    socket.send('', {fin: false});
    socket.send(text.slice(5), {fin: true});
  };
  const pong = later(socket, 'pong');
  assert.deepStrictEqual((await call('ping', {}, fragments)).result, {});
  assert.strictEqual((await pong)[0].toString(), 'between');
  const last = new Promise((resolve) => socket.on('pong', (data) => data.toString() === '99' && resolve()));
  const description = call('rpc.discover');
  for (let i = 0; i < 100; ++i) socket.ping(String(i));
  await Promise.all([description, last]);

  const batch = new Promise((resolve) => answers.set('batch', resolve));
  socket.send('[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","id":"b","method":"nothing"}]');
  assert.strictEqual((await batch).length, 2);

  // Records: the test makes calls.
  const subscribed = (await call('subscribe', {types: ['StasisStart']})).result;
  let seq = Number(subscribed.cursor.split(':')[1]);
  console.log('subscribed');
  for (let i = 0; i < 300; ++i) {
    const {method, params} = await notification();
    assert.strictEqual(method, 'event');
    assert(params.seq > seq);
    seq = params.seq;
  }
  const closed = later(socket, 'close');
  socket.close(4001, 'as it likes');
  assert.strictEqual((await closed)[0], 4001);

  const binary = (await connect()).socket;
  const refusal = later(binary, 'close');
  binary.send(Buffer.from([1, 2, 3]));
  assert.strictEqual((await refusal)[0], 1003);

  await refused({url: `ws+unix:${process.argv[2]}:/other`}, 404);
  await refused({origin: 'https://evil.example'}, 403);
  const page = new WebSocket(url, {origin: 'http://localhost'});
  await later(page, 'open');

  // The test stops the daemon.
  const stopped = later(page, 'close');
  console.log('connected');
  assert.strictEqual((await stopped)[0], 1001);
  console.log('all is well');
}

main().catch((error) => {
  console.log(error.stack);
  process.exit(1);
});
