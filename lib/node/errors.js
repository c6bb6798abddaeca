// The errors of commands; see docs/protocol.md, "Errors".

export class AribusError extends Error {
  constructor(message, data = {}, code = -32603) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.data = data ?? {};
  }
}

export class InvalidParams extends AribusError {
  constructor(message, data) { super(message, data, -32602); }
}

export class Refused extends AribusError {
  constructor(message, data) { super(message, data, -32000); }
  get status() { return this.data.status ?? 0; }
}

export class NotConnected extends AribusError {
  constructor(message, data) { super(message, data, -32001); }
}

export class OutcomeUnknown extends AribusError {
  constructor(message, data) { super(message, data, -32002); }
}

export class NotAllowed extends AribusError {
  constructor(message, data) { super(message, data, -32003); }
}

export class TooMuch extends AribusError {
  constructor(message, data) { super(message, data, -32004); }
}

export class TooOld extends AribusError {
  constructor(message, data) { super(message, data, -32005); }
}

export class NotOwner extends AribusError {
  constructor(message, data) { super(message, data, -32006); }
  get owner() { return this.data.owner ?? ''; }
  get epoch() { return this.data.epoch ?? 0; }
}

export class ChannelGone extends AribusError {
  constructor(message, data) { super(message, data, 0); }
}

export class BridgeGone extends AribusError {
  constructor(message, data) { super(message, data, 0); }
}

export class PlaybackFailed extends AribusError {
  constructor(message, data) { super(message, data, 0); }
}

export class RecordingFailed extends AribusError {
  constructor(message, data) { super(message, data, 0); }
}

export class CallFailed extends AribusError {
  constructor(message, data) { super(message, data, 0); }
  get outcome() { return this.data.outcome ?? 'failed'; }
  get cause() { return this.data.cause ?? 0; }
}

const kinds = new Map([[-32602, InvalidParams], [-32000, Refused], [-32001, NotConnected], [-32002, OutcomeUnknown],
  [-32003, NotAllowed], [-32004, TooMuch], [-32005, TooOld],
  [-32006, NotOwner]]);

// The error object for an answer's `error`.
export function errorOf(error) {
  const {code, message, data} = error ?? {};
  if (typeof message !== 'string') return new AribusError('aribusd answered something unexpected');
  const Kind = kinds.get(code);
  return Kind ? new Kind(message, data) : new AribusError(message, data, code);
}

const cures = {
  ENOENT: ' (is aribusd running?)',
  ECONNREFUSED: ' (is aribusd running?)',
  EACCES: " (is this user in the socket's group?)",
};

// Why connecting to `path` failed, with the cure if it is known.
export function cannotConnect(path, error) {
  return `connecting to ${path}: ${error.message}${cures[error.code] ?? ''}`;
}
