// The simulator's own requests, below /sim.
#include <rapidjson/document.h>

#include "base64.h"
#include "crowd.h"
#include "frame.h"
#include "params.h"
#include "router.h"
#include "server.h"
#include "text.h"

namespace aribus::sim {
namespace {

using Controller = HttpReply (*)(Server&, const HttpRequest&, const Params&, const std::string& id);

HttpReply done() {
  return json_reply("{}");
}

std::string text_or(const Params& params, const char* name, const char* otherwise) {
  return params.has(name) ? params.text(name) : otherwise;
}

HttpReply call(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  const auto app = text_or(params, "app", "demo");
  const auto caller = text_or(params, "caller", "100");
  auto args = params.list("args");
  if (!params.has("args")) args = {"inbound", caller};
  const auto exten = text_or(params, "exten", app.c_str());
  const auto id =
      server.asterisk().incoming(app, caller, text_or(params, "caller_name", "Alice"), exten, args);
  return json_reply(Object().text("channel", id).str());
}

HttpReply call_hangup(Server& server, const HttpRequest&, const Params& params, const std::string& id) {
  if (server.asterisk().channel(id) == nullptr) return refusal(404, "Channel not found");
  server.asterisk().hangup_by_caller(id, params.number("cause", -1));
  return done();
}

HttpReply call_dtmf(Server& server, const HttpRequest&, const Params& params, const std::string& id) {
  if (server.asterisk().channel(id) == nullptr) return refusal(404, "Channel not found");
  server.asterisk().dtmf_received(id, text_or(params, "digit", "5"), params.number("duration_ms", 120));
  return done();
}

HttpReply calls(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  const auto interval = static_cast<uint64_t>(params.number("interval_ms", 0));
  const int events =
      server.asterisk().many_calls(text_or(params, "app", "demo"), params.number("count", 1), interval);
  return json_reply(Object().number("events", events).str());
}

HttpReply crowd(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  add_crowd(server.asterisk(), {.app = text_or(params, "app", "demo"),
                                .channels = params.number("channels", 0),
                                .bridges = params.number("bridges", 0),
                                .variables = params.number("variables", 0)});
  return done();
}

HttpReply crowd_lose(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  lose_crowd(server.asterisk(), params.number("kept", 0), params.number("nth", 1), false);
  return done();
}

HttpReply crowd_change(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  lose_crowd(server.asterisk(), params.number("kept", 0), params.number("nth", 1), true);
  return done();
}

HttpReply crowd_talk(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  talk(server.asterisk(), static_cast<uint64_t>(params.number("rate", 0)));
  return done();
}

HttpReply demo(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  const int after = params.number("hangup_after_ms", 6000);
  server.asterisk().demo_call(text_or(params, "app", "demo"), static_cast<uint64_t>(after));
  return done();
}

HttpReply send_to(Server& server, const std::string& app, std::string_view bytes) {
  const auto sockets = server.websockets(app);
  for (auto* socket : sockets) socket->send(bytes);
  return json_reply(Object().number("sockets", static_cast<int64_t>(sockets.size())).str());
}

HttpReply event(Server& server, const HttpRequest& request, const Params& params, const std::string&) {
  return send_to(server, params.text("app"), frame(Opcode::text, request.body));
}

HttpReply frames(Server& server, const HttpRequest& request, const Params& params, const std::string&) {
  const auto encoded = params.has("base64") ? params.text("base64") : trimmed(request.body);
  return send_to(server, params.text("app"), base64_decoded(encoded));
}

HttpReply fragment(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  const auto text = params.text("text");
  const auto pieces = static_cast<size_t>(std::max(1, params.number("pieces", 2)));
  std::string bytes;
  for (size_t i = 0; i < pieces; ++i) {
    const auto begin = text.size() * i / pieces;
    const auto end = text.size() * (i + 1) / pieces;
    bytes +=
        frame(i == 0 ? Opcode::text : Opcode::continuation, text.substr(begin, end - begin), i + 1 == pieces);
  }
  return send_to(server, params.text("app"), bytes);
}

HttpReply drop(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  const auto mode = text_or(params, "mode", "fin");
  const auto sockets = server.websockets(params.text("app"));
  for (auto* socket : sockets) {
    if (mode == "rst")
      socket->close_with_reset();
    else if (mode == "fin")
      socket->close_after_writing();
    else if (mode == "silent")
      socket->fall_silent();
    else if (mode == "close-frame")
      socket->close_with_frame(static_cast<uint16_t>(params.number("code", 1001)), params.text("reason"));
    else
      return refusal(400, "mode is rst, fin, close-frame or silent");
  }
  return json_reply(Object().number("sockets", static_cast<int64_t>(sockets.size())).str());
}

HttpReply fault(Server& server, const HttpRequest&, const Params& params, const std::string&) {
  Fault fault;
  fault.match = text_or(params, "match", "*");
  fault.delay_ms = static_cast<uint64_t>(params.number("delay_ms", 0));
  fault.answer_delay_ms = static_cast<uint64_t>(params.number("answer_delay_ms", 0));
  fault.status = params.number("status", 0);
  fault.body = params.text("body");
  fault.drop = params.text("drop");
  fault.times = params.number("times", 1);
  if (!fault.drop.empty() && fault.drop != "before" && fault.drop != "after")
    return refusal(400, "drop is before or after");
  server.faults().add(fault);
  return done();
}

HttpReply reset(Server& server, const HttpRequest&, const Params&, const std::string&) {
  server.faults().clear();
  server.log().clear();
  server.asterisk().reset();
  return done();
}

HttpReply get_log(Server& server, const HttpRequest&, const Params&, const std::string&) {
  std::vector<std::string> out;
  for (const auto& one : server.log()) {
    Object line;
    out.push_back(line.text("method", one.method).text("target", one.target).text("body", one.body).str());
  }
  return json_reply(array_of(out));
}

HttpReply delete_log(Server& server, const HttpRequest&, const Params&, const std::string&) {
  server.log().clear();
  return done();
}

struct Control {
  const char* method;
  const char* path;  // a {} stands for a channel's id
  Controller controller;
};

constexpr Control controls[] = {
    {"POST", "/sim/call", call},
    {"POST", "/sim/call/{}/hangup", call_hangup},
    {"POST", "/sim/call/{}/dtmf", call_dtmf},
    {"POST", "/sim/calls", calls},
    {"POST", "/sim/crowd", crowd},
    {"POST", "/sim/crowd/lose", crowd_lose},
    {"POST", "/sim/crowd/change", crowd_change},
    {"POST", "/sim/crowd/talk", crowd_talk},
    {"POST", "/sim/demo", demo},
    {"POST", "/sim/event", event},
    {"POST", "/sim/frames", frames},
    {"POST", "/sim/fragment", fragment},
    {"POST", "/sim/drop", drop},
    {"POST", "/sim/fault", fault},
    {"POST", "/sim/reset", reset},
    {"GET", "/sim/log", get_log},
    {"DELETE", "/sim/log", delete_log},
};

}  // namespace

HttpReply control(Server& server, const HttpRequest& request) {
  auto path = split(request.path(), '/');
  std::string id;
  if (path.size() == 5) id = url_decoded(std::exchange(path[3], "{}"), false);
  for (const auto& one : controls) {
    if (request.method != one.method || joined(path, "/") != one.path) continue;
    // Whatever its type, a body that looks like JSON is taken for it: curl -d says that it is a form.
    auto read = request;
    const bool raw =
        one.controller == event || (one.controller == frames && request.body.compare(0, 1, "{") != 0);
    read.headers["content-type"] = raw ? "" : "application/json";
    Params params;
    if (!params.read(read)) return refusal(400, "The body is not JSON");
    return one.controller(server, request, params, id);
  }
  return refusal(404, "No such control: see tests/sim/README.md");
}

}  // namespace aribus::sim
