import type {Item, Methods} from './types.js';

export * from './types.js';

/** What the daemon answered instead of a result; docs/protocol.md, "Errors". */
export class AribusError extends Error {
  /** JSON-RPC's number of the error. */
  readonly code: number;
  /** Facts for programs. */
  readonly data: {[name: string]: any};
}
/** A parameter is missing, unknown or wrong; nothing was sent to Asterisk. */
export class InvalidParams extends AribusError {}
/** Asterisk answered, and refused. */
export class Refused extends AribusError {
  /** The status of HTTP, as 404. */
  get status(): number;
}
/** Nothing was sent: there is no connection to aribusd, or (then `data` has `server`) none to that Asterisk. */
export class NotConnected extends AribusError {}
/** It was sent and no answer came, from Asterisk or from aribusd: it may have been done or not. */
export class OutcomeUnknown extends AribusError {}
/** A rule of the daemon forbids it to this program. */
export class NotAllowed extends AribusError {}
/** A bound was reached; nothing was sent. */
export class TooMuch extends AribusError {}
/** This Asterisk is too old for it; nothing was sent. */
export class TooOld extends AribusError {}

type Params<M extends keyof Methods> = Methods[M]['params'];
type Options = {
  /** In ms; otherwise the daemon's own. */
  timeout?: number;
};

/**
 * An id for something that a command is to make, which nobody else has: "aribus-" and 16 hexadecimal digits. For programs
 * that are to know it before the first record about it: they give it as the command's `channelId`, `bridgeId`,
 * `playbackId` or `snoopId`.
 */
export function newId(): string;

/** A connection to aribusd, which is made again whenever it breaks, for ever. */
export class Client implements AsyncIterable<Item> {
  private constructor();

  /**
   * Connects.
   * path: the daemon's socket; otherwise $ARIBUS_SOCKET, otherwise /run/aribus/aribus.sock.
   * wait: for how many ms to try for the first connection; 0: once. NotConnected says then why it failed. A daemon that
   * lets this program in and says nothing is waited for as long, or for 10 s if that is longer.
   * maxLineBytes: the longest line that is taken of aribusd (128 MiB); a longer one ends the connection. A recording has
   * 4/3 of its bytes, and must have room.
   */
  static connect(options?: {path?: string; wait?: number; maxLineBytes?: number}): Promise<Client>;

  /** What the daemon said of itself when it was connected to last: its version, `protocol`, `features` and more. */
  get hello(): Methods['hello']['result'];

  /** The place in the stream behind what was handed out last: `since` goes on there, in another process too. */
  get cursor(): string | null;

  /**
   * Calls a method of the daemon. Rejects with InvalidParams and NotConnected when nothing was sent, with OutcomeUnknown
   * when the connection broke or no answer came in time. With a `key` in `params` the command waits for a connection and
   * is repeated, as long as that is safe. Without one, what it makes gets an id of newId() unless `params` has one.
   */
  call<M extends keyof Methods>(
    method: M,
    ...rest: {} extends Params<M> ? [params?: Params<M>, options?: Options] : [params: Params<M>, options?: Options]
  ): Promise<Methods[M]['result']>;

  /**
   * Subscribes, instead of what was subscribed to before; waits for a connection if there is none. Then iterating
   * gives first an item of type `subscribed`, with what the daemon answered, and the records.
   */
  subscribe(params?: Params<'subscribe'>): Promise<void>;

  /** The next item: a record, or one of type `subscribed`, `lost` or `disconnected`. */
  next(): Promise<Item>;
  [Symbol.asyncIterator](): AsyncGenerator<Item, void, void>;

  /** Ends the connection. Commands that are not answered reject with OutcomeUnknown, the iteration ends. */
  close(): void;
}
