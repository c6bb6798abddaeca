// Conferences: the caller chooses a room by pressing a digit, and talks to everyone in it. * mutes and unmutes.
// Usage: conference.mjs APP
import {Client} from 'aribus';

const rooms = new Map(); // room -> the promise of its bridge

const client = await Client.connect({wait: 60_000});
await client.serve(process.argv[2], async (caller) => {
  await caller.answer();
  const number = await caller.play('sound:conf-getconfno', {terminateOn: '0123456789'}) ?? await caller.digit(10_000);
  if (number === null) return;
  if (!rooms.has(number)) rooms.set(number, client.bridge([], {name: `room ${number}`}));
  const room = await rooms.get(number);
  try {
    await room.add(caller);
    console.log('room', number, room.channels.length);
    await room.play('sound:confbridge-join');
    for (let isMuted = false; ;) {
      if (await caller.digit() !== '*') continue;
      await (isMuted ? caller.unmute('in') : caller.mute('in'));
      isMuted = !isMuted;
      console.log(isMuted ? 'muted' : 'unmuted');
    }
  } finally {
    if (room.channels.length === 0 && rooms.delete(number)) {
      await room.destroy();
      console.log('room', number, 'closed');
    }
  }
});
