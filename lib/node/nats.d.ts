// Records, commands and worker groups of PBXs over NATS, from any machine: docs/nats-clients.md. Needs @nats-io/transport-node and
// @nats-io/jetstream, which make the connection: servers, credentials, TLS and reconnecting are options of connect().
import type {NatsConnection} from '@nats-io/transport-node';
import type {Client as PbxClient, GroupCall, GroupParams} from './index.js';
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

/**
 * A member of one group at many PBXs; Client.group() makes it. It is used as Group of the socket.
 *
 * Iterating gives the calls of all PBXs: `call.pbx` is the PBX of the call, `call.client` the Client for its PBX, whose call(),
 * originate() and bridge() act there. A PBX that refuses the membership is left out, with a process warning of type
 * AribusWarning; when all have refused it, iterating rejects with the error.
 */
export class Workers implements AsyncIterableIterator<GroupCall> {
  private constructor();
  readonly transport: 'nats';
  /** Of the group. */
  readonly name: string;
  /** The name of this member, the same at all PBXs. */
  readonly member: string;
  /** The calls that belong to it. */
  get calls(): GroupCall[];
  /** The Client of each PBX. */
  get clients(): Map<string, PbxClient>;
  /** The cursors of the PBXs: a program that saves them, and `holds`, may pass both to Client.group() when it is started again. */
  get cursors(): Record<string, string>;
  /** The calls that it has accepted, by PBX. */
  get holds(): Record<string, Array<{call: string; epoch: number}>>;

  /** Joins the group at all PBXs that are known; iterating does this. A PBX that is not there is joined when it comes. */
  join(): Promise<this>;
  /** Leaves the group at all PBXs that can be reached, as Group.leave(). */
  leave(options?: {drain?: boolean; timeout?: number}): Promise<void>;

  next(): Promise<IteratorResult<GroupCall, undefined>>;
  [Symbol.asyncIterator](): this;
}

/** A member of a worker group at many PBXs. */
export class Client {
  /**
   * connection: it is not closed with the client. rule: the access rule, one of `rules` in the PBXs' nats.yaml.
   * pbxs: the names of the PBXs; without it, all PBXs that offer the rule, also those that come later. lease: in ms, default 10 s:
   * when aribus-nats hears nothing of this program for so long, it gives the calls to others, and when this program hears nothing
   * of aribus-nats for so long, it gives them up. Signs of life are sent three times as often, in the event loop that runs the
   * handlers.
   */
  constructor(connection: NatsConnection, rule: string, options?: {pbxs?: Names; lease?: number});
  readonly transport: 'nats';
  /**
   * Makes this client a member of the group at each PBX, once it is iterated: as Client.group() of the socket.
   *
   * member: a name of its own, with which it keeps its calls when it is started again within `lease`; without it, it gets a random
   * one. capacity: how many calls at a time, of each PBX. since, holds: Workers.cursors and Workers.holds, saved by an earlier process
   * of the same member.
   */
  group(group: string, params?: Omit<GroupParams, 'since' | 'holds'> & {since?: Record<string, string>;
    holds?: Record<string, Array<{call: string; epoch: number}>>}): Workers;
  /** Ends the iteration. Calls that belong to this member go to others: at once, or if it has a name, after `grace`. */
  close(): Promise<void>;
}
