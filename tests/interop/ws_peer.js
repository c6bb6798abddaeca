// The npm module ws at the other end of a WebSocket: `serve` echoes and does what texts with a "!" order,
// `connect PORT` checks a server that echoes. Both as lws_peer does.
'use strict';
const crypto = require('crypto');
const assert = require('assert');
const WebSocket = require('ws');

const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];
const text_of = (size) => 'ä'.repeat(Math.floor(size / 2)) + 'x'.repeat(size % 2);

function obey(socket, order) {
  switch (order) {
    case '!fragments':
      socket.send('one ', {fin: false});
      socket.ping('between');
      socket.send('', {fin: false});
      socket.send('two', {fin: true});
      return true;
    case '!ping':
      socket.ping('are you there');
      return true;
    case '!binary':
      socket.send(Buffer.from([1, 2, 3]));
      return true;
    case '!close':
      socket.close(4001, 'as you say');
      return true;
    case '!terminate':
      socket.terminate();
      return true;
    default:
      return false;
  }
}

function serve() {
  const server = new WebSocket.Server({host: '127.0.0.1', port: 0, handleProtocols: (names) => [...names][0]});
  server.on('listening', () => console.log(server.address().port));
  server.on('connection', (socket) => {
    socket.on('message', (data, is_binary) => {
      const text = data.toString();
      if (!obey(socket, text)) socket.send(is_binary ? data : text);
    });
    socket.on('pong', (data) => {
      if (data.toString() !== 'between') socket.send('pong: ' + data);
    });
    socket.on('close', (code) => console.log('closed ' + code));
    socket.on('error', (error) => console.log('error ' + error.message));
  });
}

async function connect(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo?x=1`, 'ari');
  const next = (event) => new Promise((resolve, reject) => {
    socket.once(event, (...got) => resolve(got));
    socket.once('error', reject);
  });
  await next('open');
  assert.strictEqual(socket.protocol, 'ari');
  assert.strictEqual(socket.extensions, '');
  const echo = async (send, expected) => {
    const answer = next('message');
    send();
    assert.strictEqual((await answer)[0].toString(), expected);
  };
  for (const size of sizes) await echo(() => socket.send(text_of(size)), text_of(size));
  await echo(() => {
    socket.send('one ', {fin: false});
    socket.ping('between');
    socket.send('', {fin: false});
    socket.send('two', {fin: true});
  }, 'one two');
  const pong = next('pong');
  const payload = crypto.randomBytes(125);
  socket.ping(payload);
  assert.deepStrictEqual((await pong)[0], payload);
  const closed = next('close');
  socket.close(4002, 'enough');
  assert.strictEqual((await closed)[0], 4002);
}

if (process.argv[2] === 'serve') {
  serve();
} else {
  connect(process.argv[3]).then(() => process.exit(0), (error) => {
    console.log(error.stack);
    process.exit(1);
  });
}
