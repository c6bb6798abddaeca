// What a client is subscribed to, and what it has to ask the daemon for: docs/clients.md, "The subscription".

const State = {
  NONE: 'none', // nothing is wanted
  DUE: 'due', // the daemon does not know yet what is wanted
  IN_FORCE: 'in force', // it does, and every record is taken
  BEHIND: 'behind', // it does, but records were left out: what follows `place` is fetched again
  REFUSED: 'refused', // they may not be fetched: the daemon is to stop
};

// One request is under way at a time, and only its answer changes what is wanted: then the daemon has changed it too.
export class Subscription {
  place = null; // the cursor behind what came last
  asked = null; // the request under way
  #state = State.NONE;
  #wanted = {}; // the parameters, without `since`
  #waiting = []; // the program's requests, for their turn
  #tell;
  #ownCall;

  // tell(item or error) takes what the program is to be told; ownCall(method, params) makes a Call of the client's own.
  constructor(tell, ownCall) {
    this.#tell = tell;
    this.#ownCall = ownCall;
  }

  // Whether records are taken.
  get isInForce() { return this.#state === State.IN_FORCE; }

  // Whether requests of the program wait for the answer to another one, be that wanted still or not.
  get hasWaiting() { return this.#waiting.length > 0; }

  // Whether the program waits for records.
  get isExpected() { return this.#state !== State.NONE || this.#calls().some((call) => call.method === 'subscribe'); }

  // What the program does.

  // `subscribe` or `unsubscribe`.
  ask(call) { this.#waiting.push(call); }

  // Nobody waits for it any more. If it is under way, its answer counts all the same.
  forget(call) { this.#waiting = this.#waiting.filter((one) => one !== call); }

  // The program's requests that get no answer any more.
  shut() {
    const left = this.#calls().filter((call) => !call.internal);
    this.asked = null;
    this.#waiting = [];
    return left;
  }

  // What the connection does.

  disconnected() {
    if (this.asked && !this.asked.internal && !this.asked.finished) this.#waiting.unshift(this.asked);
    this.asked = null;
    if (this.#state === State.IN_FORCE || this.#state === State.BEHIND) this.#state = State.DUE;
    else if (this.#state === State.REFUSED) this.#state = State.NONE;
  }

  // What to send now, or null. isRead: the program has taken all that waited for it.
  nextRequest(isRead) {
    if (this.asked) return null;
    if (this.#state === State.DUE || (this.#state === State.BEHIND && isRead && this.#waiting.length === 0)) {
      this.asked = this.#ownCall('subscribe', {...this.#wanted, since: this.place});
    } else if (this.#state === State.REFUSED) {
      this.asked = this.#ownCall('unsubscribe', {});
    } else {
      this.asked = this.#waiting.shift() ?? null;
    }
    return this.asked;
  }

  // A record came that found no room.
  fellBehind() {
    if (this.#state === State.IN_FORCE) this.#state = State.BEHIND;
  }

  // The answer to what was asked.
  answered(error, result) {
    const call = this.asked;
    this.asked = null;
    if (call.method === 'unsubscribe') {
      if (this.#state === State.BEHIND && result) result.cursor = this.place; // what follows was not handed out
      if (call.internal || !error) this.#state = State.NONE;
    } else if (!error) {
      const fetched = this.#state === State.BEHIND && call.internal && result.resumed;
      if (!call.internal) {
        const {since, ...wanted} = JSON.parse(call.text);
        this.#wanted = wanted;
      }
      this.#state = State.IN_FORCE;
      this.place = String(result.cursor ?? '');
      if (!fetched) this.#tell({type: 'subscribed', ...result});
    } else if (call.internal) { // nobody else is told
      this.#state = this.#state === State.BEHIND ? State.REFUSED : State.NONE;
      this.#tell(error);
    }
  }

  #calls() { return this.asked ? [...this.#waiting, this.asked] : this.#waiting; }
}
