// As session_probe.py, with the Node client's session.
import readline from 'node:readline';

import {AribusError} from '../../lib/node/index.js';
import {Call, Session} from '../../lib/node/session.js';

let session, calls = new Map(), sent = [], done = [];

for await (const line of readline.createInterface({input: process.stdin})) {
  const [what, ...parameters] = JSON.parse(line);
  const answer = {};
  sent = [];
  done = [];
  if (what === 'new') {
    session = new Session(undefined, parameters[0]);
    calls = new Map();
  } else if (what === 'opened') {
    session.opened((data) => sent.push(data));
  } else if (what === 'received') {
    try {
      session.received(Buffer.from(parameters[0]));
    } catch (error) {
      answer.broken = error.message;
    }
  } else if (what === 'call') {
    const [number, method, params] = parameters;
    const call = new Call(method, params, (error, result) => done.push([number, error?.name ?? null, result ?? null]));
    calls.set(number, call);
    session.call(call);
  } else if (what === 'give_up') {
    session.giveUp(calls.get(parameters[0]), 'given up');
  } else if (what === 'take') {
    try {
      answer.item = session.take();
    } catch (error) {
      if (!(error instanceof AribusError)) throw error;
      answer.item = {error: error.name};
    }
  } else { // closed, shut
    session[what](...parameters);
  }
  console.log(JSON.stringify({...answer, sent, done, items: session.items.length, ready: session.ready,
    wants_more: session.wantsMore, cursor: session.cursor}));
}
