// Requests: their checks before they are sent, and the ids that the client generates.
import {randomBytes} from 'node:crypto';

import {InvalidParams} from './errors.js';

// The daemon's limits for one line: docs/protocol.md, "Connections and lines" and "Requests and answers".
export const REQUEST_BYTES = 1024 * 1024; // unless `limits` in its hello says otherwise
const MAX_DEPTH = 64;
const MAX_VALUES = 16_384; // values and member names
const ENVELOPE_VALUES = 8; // values and names of the request outside of `params`

// The id parameter of each method that creates an object.
export const CHOSEN_IDS = new Map(Object.entries({
  'bridge': 'bridgeId',
  'bridges.create': 'bridgeId',
  'bridges.play': 'playbackId',
  'channels.create': 'channelId',
  'channels.externalMedia': 'channelId',
  'channels.originate': 'channelId',
  'channels.play': 'playbackId',
  'channels.snoopChannel': 'snoopId',
  'originate': 'channelId',
  'play': 'playbackId',
}));

export function newId() {
  return `aribus-${randomBytes(8).toString('hex')}`;
}

export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// Whether the JSON will have the member: JSON.stringify() omits undefined ones.
function has(params, name) {
  return isObject(params) && params[name] !== undefined;
}

export function hasKey(params) {
  return has(params, 'key');
}

// `params` with an id for the object that the command creates, unless it has one, or a `key`: repeats must be equal.
export function withId(method, params) {
  const name = CHOSEN_IDS.get(method);
  if (name === undefined || !isObject(params) || has(params, name) || hasKey(params)) return params;
  return {...params, [name]: newId()};
}

export function refusal(parameter, what) {
  return new InvalidParams(`${parameter}: ${what}; nothing was sent`, {parameter, expected: what});
}

// The error for a request of `size` bytes, or null.
export function tooLong(size, limit) {
  return size <= limit ? null : refusal('params', `a request of at most ${limit} bytes is expected, not of ${size}`);
}

// `params` as JSON. Throws InvalidParams for values that JSON, UTF-8 or the daemon does not allow.
export function encoded(method, params) {
  const check = new Check();
  check.text(method, 'method');
  let text;
  try {
    text = JSON.stringify(params, function (name, value) { return check.value(this, params, name, value); });
  } catch (error) {
    if (error instanceof InvalidParams) throw error;
    throw refusal('params', `what JSON can carry is expected: ${error.message.split('\n')[0]}`); // such as a cycle
  }
  if (text === undefined) throw refusal('params', `what JSON can carry is expected, not a ${typeof params}`);
  if (isTooDeep(JSON.parse(text), 2)) {
    throw refusal('params', `a request nested at most ${MAX_DEPTH} levels deep is expected`);
  }
  return text;
}

// Checks every value before it is encoded.
class Check {
  #parameter = 'params';
  #values = ENVELOPE_VALUES - 1; // the name `params` is counted with its value

  value(holder, params, name, value) {
    if (['undefined', 'function', 'symbol'].includes(typeof value) && !Array.isArray(holder)) return undefined; // left out
    if (holder === params) this.#parameter = Array.isArray(params) ? 'params' : name;
    const where = this.#parameter;
    this.#values += Array.isArray(holder) ? 1 : 2;
    if (this.#values > MAX_VALUES) throw refusal('params', `a request of at most ${MAX_VALUES} values and names is expected`);
    this.text(name, where);
    if (typeof value === 'string') this.text(value, where);
    if (typeof value === 'number' && !Number.isFinite(value)) throw refusal(where, `a number is expected, not ${value}`);
    if (typeof value === 'bigint') throw refusal(where, 'what JSON can carry is expected, not a bigint');
    return value;
  }

  text(text, where) {
    if (!/\p{Surrogate}/u.test(text)) return;
    throw refusal(where.replace(/\p{Surrogate}/gu, '?'), `well-formed Unicode is expected, not ${JSON.stringify(text).slice(0, 80)}: `
      + 'half of a surrogate pair stands alone');
  }
}

function isTooDeep(value, depth) {
  if (typeof value !== 'object' || value === null) return false;
  return depth > MAX_DEPTH || Object.values(value).some((one) => isTooDeep(one, depth + 1));
}
