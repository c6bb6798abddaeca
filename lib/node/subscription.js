// The state of a client's subscription and the requests that it needs: docs/clients.md, "The subscription".

const State = {
  NONE: 'none', // not subscribed
  DUE: 'due', // the program is subscribed, but the daemon does not know it yet
  IN_FORCE: 'in force', // the daemon knows it, and every record is queued
  BEHIND: 'behind', // records were dropped: those after `place` must be fetched again
  REFUSED: 'refused', // fetching them was refused: the client must unsubscribe
};

// At most one request is in progress, and only its answer changes the state: so client and daemon change it together.
export class Subscription {
  place = null; // the cursor of the last record queued
  asked = null; // the request in progress
  renewal = () => ({}); // what the client adds to a subscription that it renews
  #state = State.NONE;
  #wanted = {}; // the parameters, without `since`
  #waiting = []; // the program's requests that are not sent yet
  #tell;
  #ownCall;

  // tell(item or error) queues it for the program; ownCall(method, params) makes an internal Call.
  constructor(tell, ownCall) {
    this.#tell = tell;
    this.#ownCall = ownCall;
  }

  // Whether records are queued.
  get isInForce() { return this.#state === State.IN_FORCE; }

  // Whether requests of the program wait for the answer to an earlier one.
  get hasWaiting() { return this.#waiting.length > 0; }

  // Whether the program waits for records.
  get isExpected() { return this.#state !== State.NONE || this.#calls().some((call) => call.method === 'subscribe'); }

  // Called for the program.

  // `subscribe` or `unsubscribe`.
  ask(call) { this.#waiting.push(call); }

  // The program gave the request up. If it was already sent, its answer still takes effect.
  forget(call) { this.#waiting = this.#waiting.filter((one) => one !== call); }

  // Ends everything; returns the program's requests that will not be answered.
  shut() {
    const left = this.#calls().filter((call) => !call.internal);
    this.asked = null;
    this.#waiting = [];
    return left;
  }

  // The daemon has ended it, and it is not to be renewed: another program is this member of the group now.
  ended(error) {
    if (this.#state === State.NONE) return;
    this.#state = State.NONE;
    this.#tell(error);
  }

  // Called for the connection.

  disconnected() {
    if (this.asked && !this.asked.internal && !this.asked.finished) this.#waiting.unshift(this.asked);
    this.asked = null;
    if (this.#state === State.IN_FORCE || this.#state === State.BEHIND) this.#state = State.DUE;
    else if (this.#state === State.REFUSED) this.#state = State.NONE;
  }

  // The request to send now, or null. isRead: the program has taken all queued items.
  nextRequest(isRead) {
    if (this.asked) return null;
    if (this.#state === State.DUE || (this.#state === State.BEHIND && isRead && this.#waiting.length === 0)) {
      const params = Object.entries({...this.#wanted, ...this.renewal(), since: this.place});
      // The daemon takes no empty list.
      this.asked = this.#ownCall('subscribe', Object.fromEntries(
        params.filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))));
    } else if (this.#state === State.REFUSED) {
      this.asked = this.#ownCall('unsubscribe', {});
    } else {
      this.asked = this.#waiting.shift() ?? null;
    }
    return this.asked;
  }

  // A record was dropped because the queue is full.
  fellBehind() {
    if (this.#state === State.IN_FORCE) this.#state = State.BEHIND;
  }

  // Handles the answer to the request in progress.
  answered(error, result) {
    const call = this.asked;
    this.asked = null;
    if (call.method === 'unsubscribe') {
      if (this.#state === State.BEHIND && result) result.cursor = this.place; // later records were not handed out
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
    } else if (call.internal) { // no call of the program gets this error
      this.#state = this.#state === State.BEHIND ? State.REFUSED : State.NONE;
      this.#tell(error);
    }
  }

  #calls() { return this.asked ? [...this.#waiting, this.asked] : this.#waiting; }
}
