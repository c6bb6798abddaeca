import {BridgeOperations, ChannelOperations} from './operations.js';
import type {Assigned, Channel as ChannelModel, Item, LiveRecording, Methods} from './types.js';

// ARI's models `Channel` and `Bridge` are named `ChannelModel` and `BridgeModel` here.
export * from './types.js';
export type {Bridge as BridgeModel, Channel as ChannelModel} from './types.js';

/** A command failed; see docs/protocol.md, "Errors". */
export class AribusError extends Error {
  /** The JSON-RPC error code; 0 for errors of this library. */
  readonly code: number;
  /** Details for programs; may be empty. */
  readonly data: {[name: string]: any};
}
/** A parameter is missing, unknown or wrong; nothing was sent to Asterisk. */
export class InvalidParams extends AribusError {}
/** Asterisk answered with an error. */
export class Refused extends AribusError {
  /** The HTTP status, such as 404. */
  get status(): number;
}
/** Nothing was sent: there is no connection to aribusd, or none to the Asterisk (then `data` has `server`). */
export class NotConnected extends AribusError {}
/** The command was sent, but no answer came from Asterisk or aribusd: it may or may not have been carried out. */
export class OutcomeUnknown extends AribusError {}
/** The daemon's access rule does not allow this program to do it. */
export class NotAllowed extends AribusError {}
/** A limit was reached; nothing was sent. */
export class TooMuch extends AribusError {}
/** This Asterisk is too old for the command; nothing was sent. */
export class TooOld extends AribusError {}
/**
 * The call, or the bridge, belongs to another member of its group, or the call has another epoch by now; nothing was sent. `data`
 * also has the `group`, and the `call` or the `bridge`.
 */
export class NotOwner extends AribusError {
  /** The name of the member that it belongs to, "" for none. */
  get owner(): string;
  /** The epoch of the call now. */
  get epoch(): number;
}

/** The channel has left the application or ended, and can't be controlled any more. `data` has its `channelId`. */
export class ChannelGone extends AribusError {}
/** The bridge was destroyed. `data` has its `bridgeId`. */
export class BridgeGone extends AribusError {}
/** The media was not played, or not to the end, for example because a sound does not exist. `data` is ARI's playback. */
export class PlaybackFailed extends AribusError {}
/** Nothing was recorded. `data` is ARI's recording; its `cause`, if present, says why. */
export class RecordingFailed extends AribusError {}
/** An originated call was not answered. `data` is the daemon's answer. */
export class CallFailed extends AribusError {
  /** See docs/protocol.md, "Waiting". */
  get outcome(): 'busy' | 'no_answer' | 'refused' | 'cancelled' | 'failed';
  /** The Q.850 cause code, 0 when unknown. */
  get cause(): number;
}

type Params<M extends keyof Methods> = Methods[M]['params'];
type Options = {
  /** In ms; without it, the daemon's timeout applies. */
  timeout?: number;
};

/**
 * A unique id for an object that a command creates: "aribus-" and 16 hexadecimal digits. For programs that must know the id
 * before the first record about the object: give it as the command's `channelId`, `bridgeId`, `playbackId` or `snoopId`.
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
  /** Default: `wav`. */
  format?: string;
} & Pick<Params<'channels.record'>, 'maxDurationSeconds' | 'maxSilenceSeconds' | 'ifExists' | 'beep' | 'terminateOn'>;

/**
 * A channel in a Stasis application.
 *
 * ARI's operations on channels are its methods, under ARI's names: answer(), hangup(), ring(), hold(), continueInDialplan()
 * and so on. They reject with the errors of Client.call(), and wait up to 30 s for a connection if there is none. All of
 * them, and all methods that wait, reject with ChannelGone as soon as the channel has left the application.
 */
export class Channel extends ChannelOperations {
  private constructor();
  /** ARI's id of the channel. */
  readonly id: string;
  /** The name of its Asterisk. */
  readonly server: string | undefined;
  readonly app: string;
  /** The arguments with which it entered the application. */
  readonly args: string[];
  /** The channel as in ARI's latest event. */
  readonly data: ChannelModel;
  /** The call of a group that it belongs to: commands have its epoch, and reject with NotOwner when it belongs to another member. */
  readonly call: GroupCall | null;
  /** The caller's number, "" if there is none. */
  get number(): string;
  get isGone(): boolean;

  /** Sends digits to the channel. The times are in ms. Defaults: `before` and `after` 0, `between` and `duration` 100. */
  dtmf(digits: string, options?: Pick<Params<'channels.sendDTMF'>, 'before' | 'between' | 'duration' | 'after'>): Promise<void>;
  /** The value of a variable or dialplan function, such as `CALLERID(num)`; "" when it is not set. */
  get(variable: string): Promise<string>;
  /** Sets a variable or a dialplan function. */
  set(variable: string, value: string): Promise<void>;
  /** Creates a channel that listens to this one (spy) or speaks to it (whisper). app: the one it enters; by default this one's. */
  snoop(options?: {spy?: 'in' | 'out' | 'both' | 'none'; whisper?: 'in' | 'out' | 'both' | 'none'; app?: string}): Promise<Channel>;

  /** Waits until the channel has left the application or ended. */
  gone(): Promise<void>;
  /** The next digit, which may have been pressed before; null when none comes within `timeout` ms. */
  digit(timeout?: number): Promise<string | null>;
  /**
   * Collects digits until there are `count`, or `terminator` (default `#`) is pressed (not included), or none comes in time.
   * timeout: for the first digit (default 10,000), between: for each further digit (3,000), in ms. "" when none was pressed.
   */
  digits(count?: number, options?: {terminator?: string; timeout?: number; between?: number}): Promise<string>;
  /** Discards the digits that were pressed but not returned yet. */
  clearDigits(): void;
  /**
   * Plays, and waits for the end. Rejects with PlaybackFailed when the media is not played to the end.
   * media: ARI's URIs, such as `sound:hello-world`, `recording:NAME`, `number:42`, `digits:42`, `characters:ab`, `tone:ring`.
   * terminateOn: digits that end it, `any`, or `none`. A digit that was pressed before but not returned yet counts, too.
   * Gives the digit that ended it, or null. Other digits are kept for digit().
   */
  play(media: string | string[], options?: PlayOptions & {terminateOn?: string}): Promise<string | null>;
  /**
   * Records to Asterisk's disk, and waits for the end. Gives ARI's recording, with `duration` in whole seconds if Asterisk
   * reports it. When the caller hangs up, the recording so far is given. Rejects with RecordingFailed. Digits pressed during
   * the recording are discarded.
   */
  record(name: string, options?: RecordOptions): Promise<LiveRecording>;
}

/** A bridge created by Client.bridge(). ARI's operations on bridges are its methods, under ARI's names. */
export class Bridge extends BridgeOperations {
  private constructor();
  readonly id: string;
  readonly server: string | undefined;
  /** The channels added by add() that are still in it. */
  readonly channels: Channel[];
  get isGone(): boolean;

  /** Adds channels. Rejects with ChannelGone. */
  add(...channels: Channel[]): Promise<void>;
  /** Removes channels. They stay in the application. */
  remove(...channels: Channel[]): Promise<void>;
  /** Waits until a channel that was added has left the bridge or its application, and gives it. */
  left(): Promise<Channel>;
  /** Plays to all channels in the bridge, and waits for the end. Rejects with PlaybackFailed. */
  play(media: string | string[], options?: PlayOptions): Promise<void>;
  /** Records all channels in the bridge, and waits for the end; like Channel.record(). */
  record(name: string, options?: RecordOptions): Promise<LiveRecording>;
}

export type GroupParams = Pick<Params<'subscribe'>, 'member' | 'capacity' | 'since' | 'holds' | 'accept_ms' | 'grace_ms' | 'lease_ms' |
  'fallback_after_ms' | 'fallback' | 'fallback_media' | 'fallback_app' | 'exclusive' | 'orphan' | 'orphan_after_ms'> & {apps?: string[]};

/**
 * A call that belongs to this member of a group.
 *
 * Iterating gives the records of this call, and ends when it is released. Reports that records may be missing are given, too:
 * `assigned` when the daemon tells of the call again (`reason` `lost` or `held`, with a new `snapshot`), `lost`, `subscribed` with
 * `resumed: false`, and the `server.*` records of its Asterisk. If nobody reads them, the newest 1,000 are kept.
 *
 * All commands reject with NotOwner when the call belongs to another member, and so does everything that waits for its channels.
 */
export class GroupCall implements AsyncIterableIterator<Item> {
  private constructor();
  readonly id: string;
  /** Over NATS its PBX, "" on the socket. */
  readonly pbx: string;
  /** The client for commands, originate() and bridge() there. */
  readonly client: Client;
  /** With which it belongs to this member; commands have it. */
  readonly epoch: number;
  /** The name of its Asterisk. */
  readonly server: string;
  /** Why it was assigned, such as `new` or `taken_over`. */
  readonly reason: string;
  /** The member that had it before, "" for none. */
  readonly previous: string;
  /** What the daemon told of it. */
  readonly snapshot: NonNullable<Assigned['snapshot']>;
  /** The arguments with which its first channel entered the application. */
  readonly args: string[];
  /** The channel that entered the application; if that has ended, another one of the call. */
  readonly channel: Channel;
  /** Its channels that are in an application. */
  readonly channels: Channel[];
  readonly accepted: boolean;
  /**
   * Why it does not belong to this member any more (`ended`, `left`, `handed_over`, …; `lost` if the daemon's reason was
   * missed), null while it does.
   */
  readonly released: string | null;

  /** Accepts the call. What is not accepted within the group's `accept_ms` goes to another member. */
  accept(): Promise<void>;
  /** Passes the call on to another member. */
  decline(): Promise<void>;
  /** Gives the call to the member with this name, which has to accept it. Rejects with InvalidParams if there is none. */
  handOver(to: string): Promise<void>;
  /**
   * Calls a method of the daemon, with the call's `epoch` and `server`, and waits up to 30 s for a connection if there is none.
   * The first command about a call accepts it. Rejects with NotOwner and the errors of Client.call().
   */
  command<M extends keyof Methods>(
    method: M, ...rest: {} extends Params<M> ? [params?: Params<M>] : [params: Params<M>]): Promise<Methods[M]['result']>;

  next(): Promise<IteratorResult<Item, undefined>>;
  [Symbol.asyncIterator](): this;
}

/**
 * A member of a group; Client.group() makes it.
 *
 * Iterating gives each call that this member is offered or takes over, until the member has left the group or the client is closed.
 * Calls that the client itself creates (originate()) belong to this member, too, but are not given.
 *
 * It goes on after reconnects, and restarts of aribusd: calls that this member still owns stay as they are, and the loops of all
 * others end. Rejects with NotOwner when another program has joined the group under the same name, and with the errors of
 * Client.call() when the daemon refuses the membership.
 */
export class Group implements AsyncIterableIterator<GroupCall> {
  private constructor();
  readonly name: string;
  /** `unix` for the daemon's socket. */
  readonly transport: 'unix' | 'nats';
  /** The name of this member, once it has joined. */
  readonly member: string;
  /** The calls that belong to it, by id. */
  readonly calls: Map<string, GroupCall>;
  /** The calls that it has accepted: a program that saves them, and `cursor`, may pass both when it is started again. */
  get holds(): Array<{call: string; epoch: number}>;

  /** Joins the group; iterating does this. */
  join(): Promise<this>;
  /**
   * Leaves the group, and waits until it is done.
   * drain: gets no new calls, and waits until its calls have ended, or for `timeout` ms. All calls that are left then go to other
   * members.
   */
  leave(options?: {drain?: boolean; timeout?: number}): Promise<void>;

  next(): Promise<IteratorResult<GroupCall, undefined>>;
  [Symbol.asyncIterator](): this;
}

/**
 * A connection to aribusd. It reconnects whenever the connection breaks, without a limit on attempts.
 *
 * A client either serves calls or is a member of a group (serve(), group(), originate() and bridge() use its subscription
 * themselves), or its program subscribes and reads the records (subscribe(), next(), iterating).
 */
export class Client implements AsyncIterable<Item> {
  private constructor();

  /** `unix`, for the daemon's socket; `nats` for the clients of the PBXs in a group over NATS. */
  readonly transport: 'unix' | 'nats';
  /** Over NATS, the name of the PBX; "" on the socket. */
  readonly pbx: string;

  /**
   * Connects.
   * path: the daemon's socket; otherwise $ARIBUS_SOCKET, otherwise /run/aribus/aribus.sock.
   * wait: how long to retry the first connection, in ms; 0: one attempt. If it fails, NotConnected says why. If aribusd
   * accepts the connection but does not answer, the client waits this long, but at least 10 s.
   * maxLineBytes: the longest line accepted from aribusd (default 128 MiB); a longer one ends the connection. A recording
   * takes 4/3 of its size and must fit.
   */
  static connect(options?: {path?: string; wait?: number; maxLineBytes?: number}): Promise<Client>;

  /** The daemon's `hello` of the latest connection: its version, `protocol`, `features` and more. */
  get hello(): Methods['hello']['result'];

  /** The cursor of the last item that the program got: `since` resumes after it, in another process too. */
  get cursor(): string | null;

  /**
   * Calls a method of the daemon. Rejects with InvalidParams and NotConnected when nothing was sent, with OutcomeUnknown
   * when the connection broke or no answer came in time. With a `key` in `params` the command waits for a connection and
   * is repeated while that is safe. Without one, an object that it creates gets an id of newId(), unless `params` has an id.
   */
  call<M extends keyof Methods>(
    method: M,
    ...rest: {} extends Params<M> ? [params?: Params<M>, options?: Options] : [params: Params<M>, options?: Options]
  ): Promise<Methods[M]['result']>;

  /**
   * Subscribes, replacing an earlier subscription; waits for a connection if there is none. Iterating then gives an item of
   * type `subscribed` with the daemon's answer, and after it the records. A filter that can't match anything, such as a
   * misspelt type, is reported as a process warning of type AribusWarning.
   */
  subscribe(params?: Params<'subscribe'>): Promise<void>;

  /** The next item: a record, or one of type `subscribed`, `lost` or `disconnected`. */
  next(): Promise<Item>;
  [Symbol.asyncIterator](): AsyncGenerator<Item, void, void>;

  /**
   * Serves the calls that enter an application, concurrently, until the client is closed or `signal` is aborted.
   *
   * `handler(channel)` is called for each call. When its promise settles, the call is hung up, and so are the calls that were
   * originated for it. Its errors go to `onError`, except ChannelGone of this call, and do not affect other calls. When the
   * caller hangs up, whatever the handler awaits on the channel rejects with ChannelGone at once.
   *
   * Channels that this client creates itself, and those that others create with originate(), are not served. Calls that
   * arrive while aribusd or its connection to Asterisk is down are found and served afterwards.
   *
   * app: one of `apps` in aribusd.yaml. Only one program at a time may serve it, unless each has different args.
   * args: serve only the calls whose arguments begin with these: with ["sales"], those of Stasis(app,sales,...).
   * existing: also serve the calls that are already in the application. They are ignored otherwise.
   * hangUp: false: the call stays in the application when the handler ends.
   * signal: when it is aborted, no new calls are served, current ones are hung up (with `hangUp`), and the promise is fulfilled
   * when their handlers have ended.
   * onError: default console.error.
   * Rejects with InvalidParams for an application that aribusd does not hold, or that this client already serves.
   */
  serve(app: string, handler: (channel: Channel) => unknown, options?: {args?: string[]; existing?: boolean;
    hangUp?: boolean; signal?: Signal; onError?: (error: unknown, channel: Channel) => void}): Promise<void>;

  /**
   * Makes this client a member of a worker group, once it is iterated. Each call of the group's applications goes to one of its
   * members.
   *
   * apps: the applications whose calls it gets; not needed for a group that exists. member: a name of its own, with which it keeps
   * its calls when it connects again within `grace_ms`. capacity: how many calls at a time; default: no limit. since, holds:
   * Client.cursor and Group.holds, saved by an earlier process of the same member. lease_ms: a member that is silent for that long
   * loses its calls; `ping` is sent four times as often, in the event loop that runs the handlers. The other parameters are
   * settings of the group, as for the method `subscribe`; all members must give the same.
   */
  group(group: string, params?: GroupParams): Group;

  /**
   * Calls an endpoint, such as `PJSIP/100`, and gives its channel when the call is answered. Rejects with CallFailed when it
   * is not answered.
   *
   * timeout: how long it rings, in seconds; default 30. app: the application that the channel enters; by default the one that
   * this client serves, or aribusd's first. originator: the channel that the call is made for: when it ends or its handler
   * ends, this call is hung up; when it ends before this call is answered, rejects with ChannelGone. signal: ends the call
   * while it rings. At most 24 calls of a client ring at a time; others wait.
   */
  originate(endpoint: string, options?: Pick<Params<'originate'>, 'timeout' | 'appArgs' | 'callerId' | 'variables' |
    'formats' | 'channelId' | 'server'> & {app?: string; originator?: Channel; signal?: Signal}): Promise<Channel>;

  /**
   * Creates a bridge and adds these channels, if any.
   * type: ARI's bridge type, such as `mixing` or `holding`. Rejects with ChannelGone when one of the channels has ended.
   */
  bridge(channels?: Channel[], options?: {type?: string; name?: string; server?: string}): Promise<Bridge>;

  /**
   * Closes the connection, after waiting up to 2 s for pending hangups. Unanswered commands reject with OutcomeUnknown; the
   * iteration and serve() end.
   */
  close(): Promise<void>;
}
