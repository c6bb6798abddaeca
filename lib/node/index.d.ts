import {BridgeOperations, ChannelOperations} from './operations.js';
import type {Channel as ChannelModel, Item, LiveRecording, Methods} from './types.js';

// Of ARI's models, `Channel` and `Bridge` are named `ChannelModel` and `BridgeModel` here.
export * from './types.js';
export type {Bridge as BridgeModel, Channel as ChannelModel} from './types.js';

/** What the daemon answered instead of a result; docs/protocol.md, "Errors". */
export class AribusError extends Error {
  /** JSON-RPC's number of the error; 0 where the library itself found it. */
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

/** The channel has left the application, or ended: it can't be controlled any more. `data` has its `channelId`. */
export class ChannelGone extends AribusError {}
/** The bridge was destroyed. `data` has its `bridgeId`. */
export class BridgeGone extends AribusError {}
/** Nothing was played, or not all of it: there is no such sound, say. `data` is the playback, as ARI shows it. */
export class PlaybackFailed extends AribusError {}
/** Nothing was recorded. `data` is the recording, as ARI shows it; its `cause`, where it is there, says why. */
export class RecordingFailed extends AribusError {}
/** A call that was originated was not answered. `data` is what the daemon answered. */
export class CallFailed extends AribusError {
  /** docs/protocol.md, "Waiting". */
  get outcome(): 'busy' | 'no_answer' | 'refused' | 'cancelled' | 'failed';
  /** Q.850's number of the reason, 0 when it is not known. */
  get cause(): number;
}

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

/** An AbortSignal. */
type Signal = {
  readonly reason: any;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
};
type PlayOptions = Pick<Params<'channels.play'>, 'lang' | 'offsetms' | 'skipms'>;
type RecordOptions = {
  /** `wav` unless said otherwise. */
  format?: string;
} & Pick<Params<'channels.record'>, 'maxDurationSeconds' | 'maxSilenceSeconds' | 'ifExists' | 'beep' | 'terminateOn'>;

/**
 * A channel in a Stasis application.
 *
 * ARI's operations on channels are its methods, under ARI's names: answer(), hangup(), ring(), hold(), continueInDialplan()
 * and so on. They reject with what Client.call() rejects with; while there is no connection they wait for one, for up to
 * 30 s. All of them, and whatever waits, reject with ChannelGone as soon as the channel has left the application.
 */
export class Channel extends ChannelOperations {
  private constructor();
  /** ARI's id of the channel. */
  readonly id: string;
  /** Its Asterisk's name. */
  readonly server: string | undefined;
  readonly app: string;
  /** The arguments that the application was entered with. */
  readonly args: string[];
  /** The channel as ARI showed it last. */
  readonly data: ChannelModel;
  /** The caller's number, "" if there is none. */
  get number(): string;
  get isGone(): boolean;

  /** Sends digits to the channel. The times are in ms, 100 each unless said otherwise. */
  dtmf(digits: string, options?: Pick<Params<'channels.sendDTMF'>, 'before' | 'between' | 'duration' | 'after'>): Promise<void>;
  /** The value of a variable or function of the dialplan, as `CALLERID(num)`; "" when it is not set. */
  get(variable: string): Promise<string>;
  /** Sets a variable, or what a function of the dialplan stands for. */
  set(variable: string, value: string): Promise<void>;
  /** A new channel that hears this one (spy) or speaks to it (whisper). app: where it goes; this one's unless said otherwise. */
  snoop(options?: {spy?: 'in' | 'out' | 'both' | 'none'; whisper?: 'in' | 'out' | 'both' | 'none'; app?: string}): Promise<Channel>;

  /** Waits until the channel has left the application or ended. */
  gone(): Promise<void>;
  /** The next digit that is pressed, or was and nobody took it; null when none comes within `timeout` ms. */
  digit(timeout?: number): Promise<string | null>;
  /**
   * Digits, until there are `count`, or `terminator` (`#`; it is not among them), or none came in time.
   * timeout: for the first one (10,000), between: for each one after it (3,000), in ms. "" when none was pressed.
   */
  digits(count?: number, options?: {terminator?: string; timeout?: number; between?: number}): Promise<string>;
  /** Forgets the digits that were pressed and not taken. */
  clearDigits(): void;
  /**
   * Plays, and waits for the end. Rejects with PlaybackFailed when it is not played to the end.
   * media: ARI's URIs, as `sound:hello-world`, `recording:NAME`, `number:42`, `digits:42`, `characters:ab`, `tone:ring`.
   * terminateOn: digits that end it, `any`, or `none`. One that was pressed before and not taken counts, too.
   * Gives the digit that ended it, null if none did. Other digits are kept for digit().
   */
  play(media: string | string[], options?: PlayOptions & {terminateOn?: string}): Promise<string | null>;
  /**
   * Records, and waits for the end. Gives the recording, with its `duration` in whole seconds, if Asterisk tells it; it is on Asterisk's disk. When the
   * caller hangs up meanwhile, what was recorded is given. Rejects with RecordingFailed. Digits pressed meanwhile are forgotten.
   */
  record(name: string, options?: RecordOptions): Promise<LiveRecording>;
}

/** A bridge that Client.bridge() made. ARI's operations on bridges are its methods, under ARI's names. */
export class Bridge extends BridgeOperations {
  private constructor();
  readonly id: string;
  readonly server: string | undefined;
  /** Those that were added by add() and are in it still. */
  readonly channels: Channel[];
  get isGone(): boolean;

  /** Adds channels. Rejects with ChannelGone. */
  add(...channels: Channel[]): Promise<void>;
  /** Takes channels out. They stay in the application. */
  remove(...channels: Channel[]): Promise<void>;
  /** Waits until a channel that was added has left the bridge or its application, and gives it. */
  left(): Promise<Channel>;
  /** Plays to all who are in it, and waits for the end. Rejects with PlaybackFailed. */
  play(media: string | string[], options?: PlayOptions): Promise<void>;
  /** Records what all say, and waits for the end; as Channel.record(). */
  record(name: string, options?: RecordOptions): Promise<LiveRecording>;
}

/**
 * A connection to aribusd. It reconnects whenever the connection breaks, without a limit.
 *
 * A client either serves calls (serve(), originate(), bridge(): they take its subscription for themselves), or its program
 * subscribes and reads the records (subscribe(), next(), iterating).
 */
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
   * gives first an item of type `subscribed`, with what the daemon answered, and the records. What can't match anything, as
   * a misspelt type, is a warning of the process, of type AribusWarning.
   */
  subscribe(params?: Params<'subscribe'>): Promise<void>;

  /** The next item: a record, or one of type `subscribed`, `lost` or `disconnected`. */
  next(): Promise<Item>;
  [Symbol.asyncIterator](): AsyncGenerator<Item, void, void>;

  /**
   * Serves the calls that enter an application, many at a time, until the client is closed or `signal` is aborted.
   *
   * `handler(channel)` is called for each of them. When its promise settles, the call is hung up, and so is what was
   * originated for it. What it rejects with goes to `onError`, except ChannelGone of this call, and disturbs no other
   * call. When the caller hangs up, whatever it waits for of the channel rejects with ChannelGone at once.
   *
   * Not served are the channels that this client makes itself, and what others make with originate(). Calls that come while
   * aribusd or its connection to Asterisk is down are found and served afterwards.
   *
   * app: one of `apps` in aribusd.yaml. One program at a time may serve it, or each has args of its own.
   * args: serve only the calls whose arguments begin with these: with ["sales"], those of Stasis(app,sales,...).
   * existing: serve also the calls that are in the application already. They are left alone otherwise.
   * hangUp: false leaves the call in the application when the handler has ended.
   * signal: when it is aborted no new calls are served, those under way are hung up, and the promise is fulfilled when their
   * handlers have ended.
   * onError: console.error unless said otherwise.
   * Rejects with InvalidParams for an application that aribusd does not hold, or that this client serves already.
   */
  serve(app: string, handler: (channel: Channel) => unknown, options?: {args?: string[]; existing?: boolean;
    hangUp?: boolean; signal?: Signal; onError?: (error: unknown, channel: Channel) => void}): Promise<void>;

  /**
   * Calls an endpoint, as `PJSIP/100`, and gives its channel when the call is answered. Rejects with CallFailed when it is not.
   *
   * timeout: for how many seconds it rings, 30 unless said otherwise. app: the application that it enters; the one that is
   * served unless said otherwise, or aribusd's first. originator: the channel that it is made for: when that goes or its
   * handler ends, this one is hung up; when it goes before this is answered, rejects with ChannelGone. signal: ends the call
   * while it rings. Of a client 24 calls ring at a time; others wait for their turn.
   */
  originate(endpoint: string, options?: Pick<Params<'originate'>, 'timeout' | 'appArgs' | 'callerId' | 'variables' |
    'formats' | 'channelId' | 'server'> & {app?: string; originator?: Channel; signal?: Signal}): Promise<Channel>;

  /**
   * Makes a bridge with these channels in it, which may be none.
   * type: ARI's, as `mixing` or `holding`. Rejects with ChannelGone when one of the channels has gone.
   */
  bridge(channels?: Channel[], options?: {type?: string; name?: string; server?: string}): Promise<Bridge>;

  /**
   * Ends the connection, when what is to be hung up is, for which it waits up to 2 s. Commands that are not answered reject
   * with OutcomeUnknown, the iteration and serve() end.
   */
  close(): Promise<void>;
}
