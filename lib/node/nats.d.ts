// Records and commands of PBXs by NATS, from any machine: docs/nats-clients.md. Needs @nats-io/transport-node and
// @nats-io/jetstream. Connecting is theirs: servers, credentials, TLS and reconnecting are options of connect().
import type {NatsConnection} from '@nats-io/transport-node';
import type {Item, Methods} from './types.js';

type Names = string | string[];
type Params<M extends keyof Methods> = Methods[M]['params'];
type Options = {
  /** In ms, 30 s unless said otherwise, at most a day; it bounds `wait`, too. */
  timeout?: number;
};

/** Records that NATS has removed before this program came to them. */
export type Removed = {type: 'lost'; records: number; reason: string};

/** aribusd has begun another stream of records, `stream`: what came behind the cursor `previous` may be missing. */
export type Restarted = {type: 'bus.restarted'; seq: number; time: string; stream: string; previous: string; reason: string};

/** What Records gives. */
export type Delivery = {
  /** Whose it is: `name` in its nats.yaml. */
  pbx: string;
  /** A record, exactly as on the socket, or a report. */
  item: Item | Removed | Restarted;
  /** The record's place, `<stream>:<seq>` as on the socket; "" of what is none. */
  cursor: string;
};

/**
 * The records of PBXs, of each in its order, each once.
 *
 * Where a program has come to is kept by NATS, under its name. A record counts as dealt with when the program asks for the
 * next one; one that it was killed over comes again. One process at a time may read under a name.
 */
export class Records {
  private constructor();
  /**
   * Finds or makes the consumers. Rejects with NotConnected where there is no stream of a PBX, with InvalidParams where there
   * is a consumer of this name with other settings, with NotAllowed where the user's permissions in NATS lack something, and
   * with the errors of the library.
   */
  static open(connection: NatsConnection, options: {
    /** Of the durable consumer, one in the stream of each PBX. It is made where there is none, if the user may do that. */
    name: string;
    /** The names of the PBXs. */
    pbxs: Names;
    /** Only records of these types; names, not globs. */
    types?: Names;
    servers?: Names;
    apps?: Names;
    /** Where a new consumer begins: with what comes next (`newest`), or with the oldest record that the stream holds. */
    start?: 'newest' | 'oldest';
    /** Of JetStream's API, `$JS.API` unless another account or a leaf node makes it another one. */
    prefix?: string;
  }): Promise<Records>;
  [Symbol.asyncIterator](): AsyncIterableIterator<Delivery>;
  /** Ends the iteration. What the program got last, and has asked for no other since, comes again. */
  close(): Promise<void>;
}

/** Sends commands to PBXs. */
export class Commands {
  /**
   * rule: the access rule in aribusd.yaml that the commands are under, one of `rules` in the PBX's nats.yaml; the permissions
   * of NATS say who may use it.
   */
  constructor(connection: NatsConnection, rule: string);
  /**
   * Calls a method of a PBX's daemon. Nothing is ever sent twice.
   *
   * pbx: `name` in its nats.yaml. Rejects with InvalidParams, NotConnected and NotAllowed when nothing was sent to Asterisk,
   * with OutcomeUnknown when no answer came in time, and as Client.call(). What the method makes gets an id of newId(), unless
   * `params` has one or a `key`.
   */
  call<M extends keyof Methods>(pbx: string, method: M, ...rest: {} extends Params<M> ? [params?: Params<M>, options?: Options]
    : [params: Params<M>, options?: Options]): Promise<Methods[M]['result']>;
  /**
   * As call(), of any PBX that is ready. To repeat a command safely (`key`), ask any for a PBX first, as by `ping`, and call
   * that one.
   */
  callAny<M extends keyof Methods>(method: M, ...rest: {} extends Params<M> ? [params?: Params<M>, options?: Options]
    : [params: Params<M>, options?: Options]): Promise<{pbx: string; result: Methods[M]['result']}>;
}
