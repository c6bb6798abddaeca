// As session_probe.py, with the C++ client's session.
#include <iostream>
#include <map>
#include <optional>

#include "client/session.h"

namespace {

using aribus::Error;
using aribus::ErrorKind;
using aribus::Json;
using aribus::JsonValue;
using aribus::JsonWriter;
using aribus::client::Call;
using aribus::client::CallPtr;
using aribus::client::Session;

const char* name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_connected:
      return "NotConnected";
    case ErrorKind::outcome_unknown:
      return "OutcomeUnknown";
    default:
      return "Refused";
  }
}

struct Stage {
  std::optional<Session> session;
  std::map<uint64_t, CallPtr> under_way;

  // What `ask` does, as far as it gives something of its own: members of an object.
  std::string act(const std::string_view what, const JsonValue& ask) {
    if (what == "new") {
      session.emplace(size_t{1} << 20, ask[1].GetUint64());
      under_way.clear();
    } else if (what == "opened") {
      session->opened();
    } else if (what == "closed") {
      session->closed(std::string(aribus::as_view(ask[1])));
    } else if (what == "shut") {  // as at the end of a Client
      for (const auto& [number, call] : under_way) session->give_up(call, "the client was closed");
      session->closed("the client was closed");
    } else if (what == "received") {
      std::string_view text = aribus::as_view(ask[1]);
      for (size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
        if (const auto taken = session->received(text.substr(0, end)); !taken) return R"("broken":true,)";
      }
    } else if (what == "call") {
      const auto call = std::make_shared<Call>(std::string(aribus::as_view(ask[2])), aribus::to_text(ask[3]));
      under_way[ask[1].GetUint64()] = call;
      session->call(call);
    } else if (what == "give_up") {
      session->give_up(under_way.at(ask[1].GetUint64()), "given up");
    } else {
      const auto item = session->take();
      return "\"item\":" + (item ? aribus::to_text(item->fields) : R"({"error":"Refused"})") + ",";
    }
    return {};
  }

  std::string rest() {
    return aribus::render([&](JsonWriter& writer) {
      writer.StartObject();
      aribus::write_key(writer, "sent");
      writer.StartArray();
      if (const std::string sent = session->take_unsent(); !sent.empty()) aribus::write_string(writer, sent);
      writer.EndArray();
      aribus::write_key(writer, "done");
      writer.StartArray();
      std::erase_if(under_way, [&](const auto& one) { return write_done(writer, one.first, *one.second); });
      writer.EndArray();
      aribus::write_key(writer, "items");
      writer.Uint64(session->items());
      aribus::write_key(writer, "ready");
      writer.Bool(session->is_ready());
      aribus::write_key(writer, "wants_more");
      writer.Bool(session->wants_more());
      aribus::write_member(writer, "cursor", session->cursor());
      writer.EndObject();
    });
  }

  static bool write_done(JsonWriter& writer, uint64_t number, const Call& call) {
    if (!call.outcome) return false;
    writer.StartArray();
    writer.Uint64(number);
    if (*call.outcome) {
      writer.Null();
      aribus::write_raw(writer, aribus::to_text(**call.outcome));
    } else {
      aribus::write_string(writer, name_of(call.outcome->error().kind));
      writer.Null();
    }
    writer.EndArray();
    return true;
  }
};

}  // namespace

int main() {
  Stage stage;
  for (std::string line; std::getline(std::cin, line);) {
    const auto ask = aribus::parse_json(line);
    const std::string own = stage.act(aribus::as_view((*ask)[0]), *ask);
    std::cout << "{" << own << stage.rest().substr(1) << std::endl;
  }
  return 0;
}
