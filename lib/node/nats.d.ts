// Records and commands of PBXs over NATS, from any machine: docs/nats-clients.md. Needs @nats-io/transport-node and
// @nats-io/jetstream, which make the connection: servers, credentials, TLS and reconnecting are options of connect().
import type {NatsConnection} from '@nats-io/transport-node';
import type {Item, Methods} from './types.js';

type Names = string | string[];
type Params<M extends keyof Methods> = Methods[M]['params'];
type Options = {
  /** In ms; default 30 s, at most a day; it also limits `wait`. */
  timeout?: number;
};

/** Records that NATS removed before this program read them. */
export type Removed = {type: 'lost'; records: number; reason: string};

/** aribusd has started a new stream of records, `stream`: records after the cursor `previous` may be missing. */
export type Restarted = {type: 'bus.restarted'; seq: number; time: string; stream: string; previous: string; reason: string};

/** An item of Records. */
export type Delivery = {
  /** Its PBX: `name` in nats.yaml. */
  pbx: string;
  /** A record, exactly as on the socket, or a report. */
  item: Item | Removed | Restarted;
  /** The record's cursor, `<stream>:<seq>` as on the socket; "" if the item is not a record. */
  cursor: string;
};

/**
 * The records of PBXs: each once, in order per PBX.
 *
 * NATS stores the program's position under its name. A record is acknowledged when the program asks for the next one; if the
 * program is killed before, the record is delivered again. Only one process at a time may read under a name.
 */
export class Records {
  private constructor();
  /**
   * Finds or creates the consumers. Rejects with NotConnected if a PBX has no stream, with InvalidParams if a consumer of this
   * name has other settings, with NotAllowed if the user lacks permissions in NATS, and with the errors of the NATS library.
   */
  static open(connection: NatsConnection, options: {
    /** Of the durable consumer, one in the stream of each PBX. It is created if it does not exist and the user may create it. */
    name: string;
    /** The names of the PBXs. */
    pbxs: Names;
    /** Only records of these types; names, not globs. */
    types?: Names;
    servers?: Names;
    apps?: Names;
    /** Where a new consumer begins: with the next record (`newest`, default), or with the oldest one in the stream. */
    start?: 'newest' | 'oldest';
    /** Of JetStream's API; default `$JS.API`, if no other account or leaf node changes it. */
    prefix?: string;
  }): Promise<Records>;
  [Symbol.asyncIterator](): AsyncIterableIterator<Delivery>;
  /** Ends the iteration. If the program has not asked for another item since, the last one is delivered again. */
  close(): Promise<void>;
}

/** Sends commands to PBXs. */
export class Commands {
  /**
   * rule: the access rule in aribusd.yaml that applies to the commands, one of `rules` in the PBX's nats.yaml; the permissions
   * in NATS control who may use it.
   */
  constructor(connection: NatsConnection, rule: string);
  /**
   * Calls a method of a PBX's daemon. Nothing is ever sent twice.
   *
   * pbx: `name` in its nats.yaml. Rejects with InvalidParams, NotConnected and NotAllowed when nothing was sent to Asterisk,
   * with OutcomeUnknown when no answer came in time, and like Client.call(). An object that the method creates gets an id of
   * newId(), unless `params` has an id or a `key`.
   */
  call<M extends keyof Methods>(pbx: string, method: M, ...rest: {} extends Params<M> ? [params?: Params<M>, options?: Options]
    : [params: Params<M>, options?: Options]): Promise<Methods[M]['result']>;
  /**
   * Like call(), to any PBX that is ready. To repeat a command safely (`key`), first let callAny() choose a PBX, for example
   * with `ping`, and then call() that one.
   */
  callAny<M extends keyof Methods>(method: M, ...rest: {} extends Params<M> ? [params?: Params<M>, options?: Options]
    : [params: Params<M>, options?: Options]): Promise<{pbx: string; result: Methods[M]['result']}>;
}
