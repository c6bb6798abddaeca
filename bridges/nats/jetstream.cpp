#include "nats/jetstream.h"

#include <algorithm>
#include <utility>

#include <nats/nats.h>
#include <spdlog/spdlog.h>

#include "base/numbers.h"

namespace aribus::nats {
namespace {

constexpr uint64_t looked_back = 10'000;   // messages at the stream's end that may be of other publishers
constexpr int64_t api_patience_ms = 3000;  // a stream without a leader does not answer
constexpr int answers_kept = 65'536;       // more than Window::max_records
constexpr std::string_view owner_is = "aribus-nats, installation ";

using Info = std::unique_ptr<jsStreamInfo, Destroy<jsStreamInfo, jsStreamInfo_Destroy>>;

// Why the stream can't be used; "" if it can.
std::string wrong_with(const jsStreamConfig& is, const StreamOptions& wanted) {
  const std::string_view description = is.Description == nullptr ? "" : is.Description;
  const std::string owner = std::string(owner_is) + wanted.owner;
  if (description != owner) {
    return description.starts_with(owner_is)
               ? "it belongs to another installation (" + std::string(description.substr(owner_is.size())) +
                     ", this one is " + wanted.owner +
                     "). Two PBXs must not have the same name; if the state file of this one was lost, "
                     "run aribus-nats --adopt once"
               : "it was not made by aribus-nats. Delete it, or choose another stream.name";
  }
  const auto differs = [](const std::string& what, const std::string& there, const std::string& here) {
    return what + " is " + there + " and must be " + here;
  };
  if (is.SubjectsLen != 1 || std::string_view(is.Subjects[0]) != wanted.subjects) {
    return differs("its list of subjects", is.SubjectsLen == 1 ? is.Subjects[0] : "another one",
                   wanted.subjects);
  }
  if (is.Sealed) return "it is sealed";  // checked first: sealing changes the discard policy
  if (is.Retention != js_LimitsPolicy) return "its retention must be `limits`";
  if (is.Discard != js_DiscardOld) return "its discard policy must be `old`";
  if (is.Storage != js_FileStorage) return "its storage must be `file`";
  if (is.NoAck) return "it acknowledges nothing (no_ack)";
  if (is.Mirror != nullptr || is.SourcesLen > 0) return "it is filled from other streams (mirror, sources)";
  if (is.MaxMsgs > 0) return "it has a limit of messages (max_msgs), and must have none";
  if (is.MaxMsgsPerSubject > 0) return "it has a limit of messages a subject, and must have none";
  if (is.MaxMsgSize > 0) return "it has a limit of a message's size, and must have none";
  return "";
}

// Sets the wanted limits. True: at least one has changed.
bool change_limits(jsStreamConfig& config, const StreamOptions& wanted) {
  bool changed = false;
  const auto set = [&](int64_t& is, const std::optional<int64_t>& to) {
    if (to && is != *to) changed = true, is = *to;
  };
  set(config.Replicas, wanted.replicas);
  set(config.MaxBytes, wanted.max_bytes);
  if (wanted.max_age) set(config.MaxAge, std::chrono::nanoseconds(*wanted.max_age).count());
  return changed;
}

// The error for a failed request about a stream.
Error refused_stream(natsConnection* connection, const std::string& name, natsStatus status, jsErrCode code) {
  Error error = not_connected("the stream " + name, status);
  if (status == NATS_TIMEOUT) error.message += complaint(connection);
  if (code != 0) error.message += " (JetStream's error " + std::to_string(static_cast<int>(code)) + ")";
  return error;
}

}  // namespace

Result<JetStream> JetStream::connect(const NatsOptions& options) {
  Result<Connection> connection = nats::connect(options);
  if (!connection) return connection.error();
  JetStream stream;
  stream.connection_ = connection->release();
  natsInbox* inbox = nullptr;
  natsStatus status = natsInbox_Create(&inbox);
  if (status == NATS_OK) {
    stream.inbox_ = std::string(inbox) + ".";
    natsInbox_Destroy(inbox);
    status =
        natsConnection_SubscribeSync(&stream.answers_, stream.connection_, (stream.inbox_ + "*").c_str());
  }
  if (status == NATS_OK) status = natsSubscription_SetPendingLimits(stream.answers_, answers_kept, -1);
  jsOptions waits;
  jsOptions_Init(&waits);
  waits.Wait = api_patience_ms;
  if (status == NATS_OK) status = natsConnection_JetStream(&stream.context_, stream.connection_, &waits);
  if (status != NATS_OK) return not_connected("NATS at " + options.url, status);
  return stream;
}

JetStream::JetStream(JetStream&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      context_(std::exchange(other.context_, nullptr)),
      answers_(std::exchange(other.answers_, nullptr)),
      inbox_(std::move(other.inbox_)) {}

JetStream::~JetStream() {
  // Closed first, so that no more answers arrive: libnats 3.4 would put them into a freed subscription.
  if (connection_ != nullptr) natsConnection_Close(connection_);
  natsSubscription_Destroy(answers_);
  jsCtx_Destroy(context_);
  natsConnection_Destroy(connection_);
}

Result<StreamEnd> JetStream::open(const StreamOptions& options, uint64_t known) {
  jsStreamInfo* found = nullptr;
  jsErrCode code{};
  natsStatus status = js_GetStreamInfo(&found, context_, options.name.c_str(), nullptr, &code);
  if (status == NATS_NOT_FOUND) {
    const std::string owner = std::string(owner_is) + options.owner;
    const char* subjects = options.subjects.c_str();
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = options.name.c_str();
    config.Description = owner.c_str();
    config.Subjects = &subjects;
    config.SubjectsLen = 1;
    config.Retention = js_LimitsPolicy;
    config.Discard = js_DiscardOld;
    config.Storage = js_FileStorage;
    config.Replicas = 1;
    config.MaxBytes = -1;
    // The expected sequence already prevents duplicates: the server need not remember ids for its default of
    // two minutes, which take hundreds of MiB at 20,000 records per second.
    config.Duplicates = std::chrono::nanoseconds(std::chrono::seconds(1)).count();
    change_limits(config, options);
    config.DenyDelete = true;
    status = js_AddStream(&found, context_, &config, nullptr, &code);
  }
  Info info(found);
  if (status != NATS_OK) return refused_stream(connection_, options.name, status, code);
  if (const std::string wrong = wrong_with(*info->Config, options); !wrong.empty()) {
    return Error{
        ErrorKind::invalid_params, "the stream " + options.name + " in NATS can't be used: " + wrong, {}};
  }
  if (change_limits(*info->Config, options)) {
    jsStreamInfo* changed = nullptr;
    status = js_UpdateStream(&changed, context_, info->Config, nullptr, &code);
    info.reset(changed);
    if (status != NATS_OK) return refused_stream(connection_, options.name, status, code);
    spdlog::info("the limits of the stream {} in NATS were changed to those of the configuration",
                 options.name);
  }
  return read_end(options.name, *info, known);
}

Result<StreamEnd> JetStream::read_end(const std::string& name, const jsStreamInfo& info, uint64_t known) {
  StreamEnd end{.last = info.State.LastSeq};
  if (info.State.Msgs == 0) return end;
  end.first = info.State.FirstSeq;
  end.is_whole = info.State.Msgs == end.last - end.first + 1;
  const uint64_t far = end.last > looked_back ? end.last - looked_back : 0;
  for (uint64_t seq = end.last; seq >= end.first; --seq) {
    if (seq == known && seq < end.last) {
      end.none_behind_known = true;
      break;
    }
    if (seq <= far) {
      end.others_unknown = true;
      break;
    }
    const Result<std::optional<std::string>> id = id_of(name, seq);
    if (!id) return id.error();
    if (!*id) continue;  // deleted, or just expired
    end.place = Place::parse(**id);
    if (!end.place.stream.empty()) break;
    ++end.others;
  }
  return end;
}

Result<std::optional<std::string>> JetStream::id_of(const std::string& name, uint64_t seq) {
  natsMsg* got = nullptr;
  jsErrCode code{};
  const natsStatus status = js_GetMsg(&got, context_, name.c_str(), seq, nullptr, &code);
  const Message message(got);
  if (status == NATS_NOT_FOUND) return std::optional<std::string>();
  if (status != NATS_OK) return refused_stream(connection_, name, status, code);
  const char* id = nullptr;
  return std::optional<std::string>(natsMsgHeader_Get(got, "Nats-Msg-Id", &id) == NATS_OK ? id : "");
}

Result<void> JetStream::read_ids(const std::string& name, uint64_t first, uint64_t last,
                                 const std::function<bool(std::string_view id)>& take) {
  for (uint64_t seq = first; seq <= last; ++seq) {
    const Result<std::optional<std::string>> id = id_of(name, seq);
    if (!id) return id.error();
    if (!take(id->value_or(""))) break;
  }
  return {};
}

Result<std::string> JetStream::adopt(const StreamOptions& options) {
  jsStreamInfo* found = nullptr;
  jsErrCode code{};
  natsStatus status = js_GetStreamInfo(&found, context_, options.name.c_str(), nullptr, &code);
  const auto refused = [&](const std::string& why) {
    return Error{ErrorKind::invalid_params, "the stream " + options.name + " in NATS " + why, {}};
  };
  if (status == NATS_NOT_FOUND) return refused("does not exist: aribus-nats creates it at startup");
  if (status != NATS_OK) return refused_stream(connection_, options.name, status, code);
  const Info info(found);
  const std::string was = info->Config->Description == nullptr ? "" : info->Config->Description;
  if (!was.starts_with(owner_is)) return refused("was not made by aribus-nats. Choose another stream.name");
  const std::string owner = std::string(owner_is) + options.owner;
  jsStreamConfig config = *info->Config;
  config.Description = owner.c_str();
  jsStreamInfo* changed = nullptr;
  status = js_UpdateStream(&changed, context_, &config, nullptr, &code);
  const Info updated(changed);
  if (status != NATS_OK) return refused_stream(connection_, options.name, status, code);
  return was.substr(owner_is.size());
}

Result<void> JetStream::publish(const std::string& subject, const std::string& id, uint64_t expected,
                                std::string_view text) {
  char digits[20];
  *std::to_chars(digits, digits + sizeof digits - 1, expected).ptr = '\0';
  natsMsg* made = nullptr;
  natsStatus status = natsMsg_Create(&made, subject.c_str(), (inbox_ + digits).c_str(), text.data(),
                                     static_cast<int>(text.size()));
  const Message message(made);
  if (status == NATS_OK) status = natsMsgHeader_Set(made, "Nats-Msg-Id", id.c_str());
  if (status == NATS_OK) status = natsMsgHeader_Set(made, "Nats-Expected-Last-Sequence", digits);
  if (status == NATS_OK) status = natsConnection_PublishMsg(connection_, made);
  if (status != NATS_OK) return not_connected("NATS did not accept a record", status);
  return {};
}

Result<std::optional<JetStream::Answer>> JetStream::next_answer(Milliseconds timeout) {
  natsMsg* got = nullptr;
  const natsStatus status = natsSubscription_NextMsg(&got, answers_, timeout.count());
  const Message message(got);
  if (status == NATS_TIMEOUT) {
    if (!is_connected()) return Error{ErrorKind::not_connected, "the connection to NATS has ended", {}};
    return std::optional<Answer>();
  }
  if (status == NATS_NO_RESPONDERS) {
    return Error{
        ErrorKind::not_connected,
        "JetStream does not accept records: it is not enabled there, or the stream has no leader at present",
        {}};
  }
  if (status != NATS_OK) return not_connected("the connection to NATS has ended", status);
  const std::string_view subject = natsMsg_GetSubject(got);
  Answer answer{0, std::string(natsMsg_GetData(got), static_cast<size_t>(natsMsg_GetDataLength(got)))};
  if (subject.starts_with(inbox_))
    answer.expected = whole_number<uint64_t>(subject.substr(inbox_.size())).value_or(0);
  return std::optional(std::move(answer));
}

size_t JetStream::max_bytes() const {
  const int64_t bytes = natsConnection_GetMaxPayload(connection_);
  return bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

bool JetStream::is_connected() const {
  return nats::is_connected(connection_);
}

}  // namespace aribus::nats
