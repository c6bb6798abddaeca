// Records, commands and worker groups of PBXs over NATS. Documented in nats.d.ts.
import {jetstreamManager} from '@nats-io/jetstream';
import {errors, headers} from '@nats-io/transport-node';

import {Consumer, causeOf} from './consumer.js';
import {NotAllowed, NotConnected, OutcomeUnknown, errorOf} from './errors.js';
import {token} from './link.js';
import {REQUEST_BYTES, encoded, refusal, tooLong, withId} from './request.js';
import {Finder, Workers} from './workers.js';

export {Workers};

const GRACE = 1000; // beyond a command's timeout, at which aribus-nats itself answers, in ms
const LONGEST = 86_400_000; // aribus-nats' maximum, in ms

export class Records {
  #consumers;
  #found = []; // {found, taken}: items for the program; `taken` lets their reader continue
  #waiting = null; // the program's wait for an item: {resolve, reject}
  #failed = null;
  #closed = false;

  static async open(connection, {name, pbxs, types, servers, apps, start = 'newest', prefix = '$JS.API'}) {
    if (start !== 'newest' && start !== 'oldest') throw refusal('start', `one of newest, oldest is expected, not ${start}`);
    const wanted = [tokens('servers', servers), tokens('apps', apps), tokens('types', types)];
    const names = listed(pbxs);
    if (names.length === 0) throw refusal('pbxs', 'the name of a PBX is expected');
    const records = new Records();
    const manager = await jetstreamManager(connection, {checkAPI: false, apiPrefix: prefix});
    records.#consumers = names.map((pbx) =>
      new Consumer(connection, manager, checkedName('name', name), checkedName('pbxs', pbx), wanted, start));
    for (const consumer of records.#consumers) await consumer.open();
    for (const consumer of records.#consumers) records.#read(consumer);
    return records;
  }

  async *[Symbol.asyncIterator]() {
    for (let found; (found = await this.#next()) !== null;) {
      if (found.item !== null) yield {pbx: found.consumer.pbx, item: found.item, cursor: found.cursor};
      found.dealtWith();
    }
  }

  async close() {
    this.#closed = true;
    await Promise.all(this.#consumers.map((consumer) => consumer.close()));
    for (const {taken} of this.#found.splice(0)) taken();
    this.#waiting?.resolve(null);
    await this.#consumers[0].flush(); // the acknowledgements
  }

  #next() {
    const first = this.#found.shift();
    if (first) {
      first.taken();
      return Promise.resolve(first.found);
    }
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#closed) return Promise.resolve(null);
    return new Promise((resolve, reject) => { this.#waiting = {resolve, reject}; });
  }

  async #read(consumer) {
    try {
      for await (const found of consumer.messages()) {
        if (this.#closed) return;
        if (this.#waiting) {
          this.#waiting.resolve(found);
          this.#waiting = null;
        } else {
          await new Promise((taken) => { this.#found.push({found, taken}); });
        }
      }
    } catch (error) {
      if (this.#closed) return;
      this.#failed = error;
      this.#waiting?.reject(error);
      this.#waiting = null;
    }
  }
}

export class Commands {
  #connection;
  #rule;
  #token; // of the rule, in subjects

  constructor(connection, rule) {
    this.#connection = connection;
    if (!rule) throw refusal('rule', 'the name of an access rule is expected');
    this.#rule = rule;
    [this.#token] = tokens('rule', rule);
  }

  async call(pbx, method, params = {}, options = {}) {
    return (await this.#call(checkedName('pbx', pbx), method, params, options)).result;
  }

  async callAny(method, params = {}, options = {}) {
    return this.#call('any', method, params, options);
  }

  async #call(pbx, method, params, {timeout = 30_000}) {
    if (!(timeout >= 1 && timeout <= LONGEST)) throw refusal('timeout', `1 to ${LONGEST} ms are expected, not ${timeout}`);
    const text = encoded(method, withId(method, params));
    const request = new TextEncoder().encode(`{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(method)},"params":${text}}`);
    const {info} = this.#connection; // undefined without a connection: the library would keep the request and send it later
    if (!info || this.#connection.isClosed()) throw new NotConnected(`not connected to NATS: ${method} was not sent`);
    const long = tooLong(request.length, Math.min(REQUEST_BYTES, info.max_payload ?? REQUEST_BYTES));
    if (long) throw long;
    const answer = await this.#answer(`aribus.v1.rpc.${pbx}.${this.#token}`, pbx, method, request, timeout);
    const {error, result} = answer.json();
    if (error) throw errorOf(error);
    return {pbx: answer.headers?.get('Aribus-Pbx') || pbx, result};
  }

  async #answer(subject, pbx, method, request, timeout) {
    const head = headers();
    head.set('Aribus-Timeout', String(Math.round(timeout)));
    try {
      return await this.#connection.request(subject, request, {timeout: timeout + GRACE, headers: head});
    } catch (error) {
      const cause = causeOf(error);
      if (cause instanceof errors.NoRespondersError) {
        throw new NotConnected(`nobody answers at ${subject}: ${method} was not sent. ${pbx === 'any'
          ? 'No PBX that offers this rule is ready'
          : `Does aribus-nats of ${pbx} run, and is ${this.#rule} one of its \`rules\`?`}`);
      }
      if (cause instanceof errors.PermissionViolationError) {
        throw new NotAllowed(`NATS does not allow this user to publish to ${subject}: ${method} was not sent`);
      }
      if (cause instanceof errors.TimeoutError) {
        throw new OutcomeUnknown(`no answer within ${timeout} ms: the outcome of ${method} is unknown`,
          {timeout_ms: timeout});
      }
      throw new OutcomeUnknown(`${error.message}, before ${method} was answered: its outcome is unknown`);
    }
  }
}

export class Client {
  transport = 'nats';
  #options; // {connection, rule, pbxs, lease, finds}
  #workers = null;
  #finder = null;

  constructor(connection, rule, {pbxs, lease = 10_000} = {}) {
    if (!rule) throw refusal('rule', 'the name of an access rule is expected');
    if (!(lease >= 100 && lease <= 3_600_000)) throw refusal('lease', `100 to 3600000 ms are expected, not ${lease}`);
    const names = pbxs === undefined ? undefined : listed(pbxs).map((pbx) => checkedName('pbxs', pbx));
    this.#options = {connection, rule, pbxs: names, lease, finds: names === undefined};
  }

  group(group, params = {}) {
    if (this.#workers) throw new Error('this client is a member of a group already: use another Client beside it');
    if (!group) throw refusal('group', 'the name of a group is expected');
    this.#workers = new Workers(this.#options, {group, ...params}, async () => {
      this.#finder ??= new Finder(this.#options, this.#workers);
    });
    return this.#workers;
  }

  async close() {
    this.#finder?.close();
    await this.#workers?.close();
    const {connection} = this.#options;
    if (connection.info && !connection.isClosed()) await connection.flush(); // the ends of the links
  }
}

function listed(names) {
  return typeof names === 'string' ? [names] : names ?? [];
}

// Checks that a name can be a token of a subject without escaping.
function checkedName(parameter, text) {
  if (typeof text === 'string' && /^[A-Za-z0-9_-]+$/.test(text)) return text;
  throw refusal(parameter, `a name of the characters A-Z, a-z, 0-9, _ and - is expected, not ${JSON.stringify(text)}`);
}

// Names as tokens of subjects: bytes other than A-Z, a-z, 0-9, _ and - become %XX, and an empty name becomes _.
function tokens(parameter, names) {
  return [...new Set(listed(names))].map((name) => {
    if (/[*?]/.test(name)) throw refusal(parameter, `names are expected, not globs as ${JSON.stringify(name)}`);
    return token(name);
  });
}
