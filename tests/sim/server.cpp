#include "server.h"

#include <algorithm>
#include <memory>

#include "base64.h"
#include "frame.h"
#include "net/websocket_handshake.h"
#include "params.h"
#include "router.h"
#include "text.h"

namespace aribus::sim {

Server::Server(uv_loop_t* loop, const Options& options)
    : loop_(loop),
      options_(options),
      timers_(loop),
      asterisk_(options_, timers_, [this](SocketId id, auto text) {
        if (const auto found = connections_.find(id); found != connections_.end())
          found->second->send(frame(Opcode::text, text));
      }) {
  uv_tcp_init(loop_, &listener_);
  uv_prepare_init(loop_, &flusher_);
  flusher_.data = this;
  asterisk_.flush = [this] { flush_all(); };
  uv_prepare_start(&flusher_, [](uv_prepare_t* handle) { static_cast<Server*>(handle->data)->flush_all(); });
}

int Server::listen() {
  listener_.data = this;
  sockaddr_in address{};
  uv_ip4_addr("127.0.0.1", options_.port, &address);
  if (const int bad = uv_tcp_bind(&listener_, reinterpret_cast<const sockaddr*>(&address), 0); bad != 0)
    return bad;
  const int bad =
      uv_listen(reinterpret_cast<uv_stream_t*>(&listener_), 512, [](uv_stream_t* stream, int status) {
        if (status != 0) return;
        auto* server = static_cast<Server*>(stream->data);
        const auto id = ++server->last_id_;
        server->connections_[id] = Connection::accept(stream, id, *server);
      });
  if (bad != 0) return bad;
  if (replay_.tick_ms() > 0) {
    timers_.every(replay_.tick_ms(), [this] {
      for (const auto& [id, connection] : connections_) replay_.tick(*connection, uv_now(loop_));
    });
  }
  if (!options_.demo.empty())
    timers_.every(15000, [this] {
      if (asterisk_.apps.count(options_.demo) > 0) asterisk_.demo_call(options_.demo, 6000);
    });
  int size = sizeof address;
  uv_tcp_getsockname(&listener_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void Server::close() {
  timers_.clear();
  uv_close(reinterpret_cast<uv_handle_t*>(&listener_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&flusher_), nullptr);
  for (const auto& [id, connection] : connections_) connection->close();
}

void Server::flush_all() {
  for (const auto& [id, connection] : connections_) {
    replay_.refill(*connection);
    if (connection->pending_bytes() > 0) connection->flush();
  }
}

std::vector<Connection*> Server::websockets(const std::string& app) const {
  std::vector<Connection*> out;
  for (const auto& [id, connection] : connections_) {
    if (!connection->is_websocket()) continue;
    const auto found = asterisk_.apps.find(app);
    if (app.empty() || (found != asterisk_.apps.end() && found->second.socket == id))
      out.push_back(connection);
  }
  return out;
}

void Server::reply(Connection& connection, const HttpRequest& request, HttpReply reply) {
  reply.close = reply.close || equal_ignoring_case(request.header("connection"), "close");
  connection.reply(rendered(reply, asterisk_.server()), reply.close);
}

void Server::on_bad_request(Connection& connection, const std::string& error) {
  auto page = html_error(400, error, asterisk_.server());
  page.close = true;
  reply(connection, {}, std::move(page));
}

bool Server::is_authorised(const HttpRequest& request) const {
  const auto credentials = options_.user + ":" + options_.password;
  const auto given = request.header("authorization");
  if (!given.empty()) {
    return given.size() > 6 && equal_ignoring_case(given.substr(0, 6), "basic ") &&
           base64_decoded(trimmed(given.substr(6))) == credentials;
  }
  HttpRequest head = request;
  head.body.clear();
  Params params;
  return params.read(head) && params.text("api_key") == credentials;
}

void Server::on_request(Connection& connection, const HttpRequest& request) {
  const auto path = request.path();
  if (path.compare(0, 5, "/sim/") == 0) return reply(connection, request, control(*this, request));
  if (path != "/ari" && path.compare(0, 5, "/ari/") != 0)
    return reply(connection, request,
                 html_error(404, "The requested URL was not found on this server.", asterisk_.server()));
  const bool is_upgrade = !request.header("upgrade").empty() && path == "/ari/events";
  if (!is_upgrade) log_.push_back({request.method, request.target, request.body});
  const auto fault = faults_.take(request.method, request.target).value_or(Fault{});
  if (fault.delay_ms == 0) return handle(connection, request, fault);
  timers_.after(fault.delay_ms, [this, id = connection.id(), request, fault] {
    if (const auto found = connections_.find(id); found != connections_.end())
      handle(*found->second, request, fault);
  });
}

void Server::handle(Connection& connection, const HttpRequest& request, const Fault& fault) {
  if (fault.drop == "before") return connection.close();
  if (fault.status != 0) {
    HttpReply ordered;
    ordered.status = fault.status;
    ordered.body = fault.body;
    if (!fault.body.empty()) ordered.content_type = "application/json";
    return reply(connection, request, ordered);
  }
  if (!is_authorised(request)) {
    auto refused = refusal(401, "Authentication required");
    refused.extra.emplace_back("WWW-Authenticate: Basic realm=\"Asterisk REST Interface\"");
    return reply(connection, request, std::move(refused));
  }
  if (request.path() == "/ari/events" && request.method == "GET" && !request.header("upgrade").empty())
    return upgrade(connection, request);
  auto answered = answer(asterisk_, request);
  if (fault.drop == "after") return connection.close();
  if (fault.answer_delay_ms == 0) return reply(connection, request, std::move(answered));
  timers_.after(fault.answer_delay_ms, [this, id = connection.id(), request, answered] {
    if (const auto found = connections_.find(id); found != connections_.end())
      reply(*found->second, request, answered);
  });
}

void Server::upgrade(Connection& connection, const HttpRequest& request) {
  Params params;
  HttpRequest head = request;
  head.body.clear();
  if (!params.read(head)) return;
  const auto apps = params.list("app");
  if (apps.empty()) {
    const bool old_and_empty = asterisk_.is_old() && params.has("app");
    return reply(connection, request,
                 html_error(400,
                            old_and_empty ? "Invalid application provided in param [app]."
                                          : "HTTP request is missing param: [app]",
                            asterisk_.server()));
  }
  std::string subprotocol;
  if (const auto asked = request.header("sec-websocket-protocol"); !asked.empty()) {
    for (const auto& name : split(asked, ',')) {
      if (trimmed(name) == "ari") subprotocol = "ari";
    }
    if (subprotocol.empty()) {
      HttpReply refused;
      refused.status = 400;
      refused.extra.emplace_back("Sec-WebSocket-Version: 7, 8, 13");
      return reply(connection, request, refused);
    }
  }
  connection.upgrade(accepting_answer(request.header("sec-websocket-key"), subprotocol));
  asterisk_.connect(connection.id(), apps, params.flag("subscribeAll"));
  if (replay_.is_loaded()) replay_.start(connection);
  if (std::find(apps.begin(), apps.end(), options_.demo) != apps.end())
    asterisk_.demo_call(options_.demo, 6000);
}

void Server::on_text(Connection& connection, const std::string& text) {
  if (asterisk_.is_old()) return;  // 16 takes no notice
  HttpRequest probe;
  probe.headers["content-type"] = "application/json";
  probe.body = text;
  Params params;
  if (!params.read(probe)) {
    HttpReply unreadable;
    unreadable.status = 400;
    unreadable.reason = "Failed to parse request message JSON";
    return respond(connection, params, unreadable);
  }
  if (params.text("type") != "RESTRequest") {
    return respond(connection, params, refusal(400, "Unknown request type.", "Bad request"));
  }
  HttpRequest request;
  request.method = params.text("method");
  request.target = "/ari/" + params.text("uri");
  request.body = params.text("message_body");
  if (params.has("content_type")) request.headers["content-type"] = params.text("content_type");
  log_.push_back({request.method, request.target, request.body});
  const auto fault = faults_.take(request.method, request.target).value_or(Fault{});
  const auto serve = [this, id = connection.id(), request, fault,
                      params = std::make_shared<Params>(std::move(params))] {
    if (const auto found = connections_.find(id); found != connections_.end())
      serve_over_websocket(*found->second, request, fault, *params);
  };
  fault.delay_ms == 0 ? serve() : timers_.after(fault.delay_ms, serve);
}

void Server::serve_over_websocket(Connection& connection, const HttpRequest& request, const Fault& fault,
                                  const Params& message) {
  if (fault.drop == "before") return connection.close();
  if (fault.status != 0) return respond(connection, message, json_reply(fault.body, fault.status));
  const auto answered = answer(asterisk_, request);
  if (fault.drop == "after") return connection.close();
  const bool binary = answered.content_type.starts_with("audio/");
  respond(connection, message, binary ? refusal(406, "Not Acceptable") : answered);
}

// The answer to `message` over the WebSocket.
void Server::respond(Connection& connection, const Params& message, const HttpReply& reply) {
  Object out;
  out.text("type", "RESTResponse")
      .text("transaction_id", message.text("transaction_id"))
      .text("request_id", message.text("request_id"))
      .number("status_code", reply.status)
      .text("reason_phrase", reply.reason)
      .text("uri", message.text("uri").substr(0, message.text("uri").find('?')));
  if (!reply.body.empty()) out.text("content_type", reply.content_type).text("message_body", reply.body);
  for (const auto& [name, app] : asterisk_.apps) {
    if (app.socket == connection.id()) {
      out.text("application", name);
      break;
    }
  }
  out.text("timestamp", timestamp_now()).text("asterisk_id", "02:00:00:00:00:01");
  connection.send(frame(Opcode::text, out.str()));
}

void Server::on_drained(Connection& connection) {
  replay_.refill(connection);
  connection.flush();
}

void Server::on_closed(Connection& connection) {
  replay_.stop(connection.id());
  asterisk_.disconnect(connection.id());
  connections_.erase(connection.id());
}

}  // namespace aribus::sim
