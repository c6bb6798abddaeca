// Connections to the daemon's socket.
import net from 'node:net';

import {cannotConnect} from './errors.js';

export function connectSocket(path, {opened, received, closed}) {
  const socket = net.connect(path);
  let connected = false, reason = 'aribusd has closed the connection';
  socket.on('connect', () => {
    connected = true;
    socket.cork();
    opened({
      send: (text) => socket.write(text),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: () => socket.destroy(),
    });
    // A daemon that refuses the connection has sent the reason: read it before a failing write discards it.
    setImmediate(() => setImmediate(() => socket.uncork()));
  });
  socket.on('data', (data) => {
    try {
      received(data);
    } catch (error) {
      socket.destroy(error);
    }
  });
  socket.on('error', (error) => {
    reason = connected ? `the connection to aribusd broke: ${error.message}` : cannotConnect(path, error);
  });
  socket.on('close', () => closed(reason));
}
