// libwebsockets at the other end of a WebSocket: `serve` echoes and does what texts with a "!" order,
// `connect PORT` checks a server that echoes. Both as ws_peer.js does.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>

#include <libwebsockets.h>

namespace {

struct Frame {
  std::string bytes;  // behind LWS_PRE others
  int flags;
};

// One connection; libwebsockets holds a pointer to it.
struct Peer {
  std::deque<Frame> unsent;
  std::string message;
  size_t step = 0;  // of what a client checks
  bool close = false;
  bool reset = false;
};

int failed = 1;
bool ended = false;

void queue(lws* wsi, Peer& peer, std::string_view payload, int flags = LWS_WRITE_TEXT) {
  peer.unsent.push_back({std::string(LWS_PRE, '\0') + std::string(payload), flags});
  lws_callback_on_writable(wsi);
}

void queue_fragments(lws* wsi, Peer& peer) {
  queue(wsi, peer, "one ", LWS_WRITE_TEXT | LWS_WRITE_NO_FIN);
  queue(wsi, peer, "between", LWS_WRITE_PING);
  queue(wsi, peer, "", LWS_WRITE_CONTINUATION | LWS_WRITE_NO_FIN);
  queue(wsi, peer, "two", LWS_WRITE_CONTINUATION);
}

constexpr size_t sizes[] = {0, 1, 125, 126, 65'535, 65'536, 1 << 20};

std::string text_of(size_t size) {
  std::string text;
  for (size_t i = 0; i < size / 2; ++i) text += "\xC3\xA4";
  return text + std::string(size % 2, 'x');
}

void serve_text(lws* wsi, Peer& peer) {
  if (peer.message == "!fragments") return queue_fragments(wsi, peer);
  if (peer.message == "!ping") return queue(wsi, peer, "are you there", LWS_WRITE_PING);
  if (peer.message == "!binary") return queue(wsi, peer, "\x01\x02\x03", LWS_WRITE_BINARY);
  peer.close = peer.message == "!close";
  peer.reset = peer.message == "!terminate";
  if (!peer.close && !peer.reset) return queue(wsi, peer, peer.message);
  lws_callback_on_writable(wsi);
}

// What the client does after its `step`th answer was right.
void take_step(lws* wsi, Peer& peer) {
  const size_t step = peer.step++;
  if (step < std::size(sizes)) return queue(wsi, peer, text_of(sizes[step]));
  if (step == std::size(sizes)) return queue_fragments(wsi, peer);
  if (step == std::size(sizes) + 1) return queue(wsi, peer, "are you there", LWS_WRITE_PING);
  peer.close = true;
  lws_callback_on_writable(wsi);
}

void check(lws* wsi, Peer& peer, std::string_view got) {
  const size_t step = peer.step - 1;
  const std::string expected = step < std::size(sizes)    ? text_of(sizes[step])
                               : step == std::size(sizes) ? "one two"
                                                          : "are you there";
  if (got == expected) return take_step(wsi, peer);
  std::printf("step %zu: %zu bytes came, not %zu\n", step, got.size(), expected.size());
  ended = true;
}

int write_next(lws* wsi, Peer& peer, bool client) {
  if (peer.unsent.empty()) {
    if (peer.close) lws_close_reason(wsi, static_cast<lws_close_status>(client ? 4002 : 4001), nullptr, 0);
    return peer.close || peer.reset ? -1 : 0;
  }
  Frame frame = std::move(peer.unsent.front());
  peer.unsent.pop_front();
  const int written = lws_write(wsi, reinterpret_cast<unsigned char*>(frame.bytes.data()) + LWS_PRE,
                                frame.bytes.size() - LWS_PRE, static_cast<lws_write_protocol>(frame.flags));
  if (!peer.unsent.empty() || peer.close) lws_callback_on_writable(wsi);
  return written < 0 ? -1 : 0;
}

int on_event(lws* wsi, lws_callback_reasons reason, void* user, void* in, size_t length) {
  const std::string_view bytes(static_cast<const char*>(in), in == nullptr ? 0 : length);
  auto** at = static_cast<Peer**>(user);
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      *at = new Peer;
      if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED) take_step(wsi, **at);
      return 0;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE: {
      Peer& peer = **at;
      peer.message += bytes;
      if (lws_is_final_fragment(wsi) == 0 || lws_remaining_packet_payload(wsi) != 0) return 0;
      if (reason == LWS_CALLBACK_RECEIVE) {
        serve_text(wsi, peer);
      } else {
        check(wsi, peer, peer.message);
      }
      peer.message.clear();
      return 0;
    }
    case LWS_CALLBACK_RECEIVE_PONG:
      if (bytes != "between") queue(wsi, **at, "pong: " + std::string(bytes));
      return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
      if (bytes != "between") check(wsi, **at, bytes);
      return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return write_next(wsi, **at, reason == LWS_CALLBACK_CLIENT_WRITEABLE);
    case LWS_CALLBACK_CLOSED:
      std::puts("closed");
      std::fflush(stdout);
      delete *at;
      return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
      if ((*at)->close) failed = 0;
      ended = true;
      delete *at;
      return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      std::printf("no connection: %s\n", std::string(bytes).c_str());
      ended = true;
      return 0;
    default:
      return 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool serve = argc > 1 && std::strcmp(argv[1], "serve") == 0;
  if (!serve && argc < 3) return 2;
  lws_set_log_level(LLL_ERR, nullptr);
  static const lws_protocols protocols[] = {{"ari", on_event, sizeof(Peer*), 4096, 0, nullptr, 0}, {}};
  lws_context_creation_info info{};
  info.port = serve ? 0 : CONTEXT_PORT_NO_LISTEN;
  info.iface = serve ? "lo" : nullptr;
  info.protocols = protocols;
  info.gid = -1;
  info.uid = -1;
  info.vhost_name = "peer";
  lws_context* context = lws_create_context(&info);
  if (context == nullptr) return 1;
  if (serve) {
    std::printf("%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "peer")));
    std::fflush(stdout);
  } else {
    lws_client_connect_info to{};
    to.context = context;
    to.address = "127.0.0.1";
    to.host = to.address;
    to.port = std::atoi(argv[2]);
    to.path = "/echo?x=1";
    to.protocol = "ari";
    lws_client_connect_via_info(&to);
  }
  while (!ended && lws_service(context, 0) >= 0) {
  }
  lws_context_destroy(context);
  return serve ? 0 : failed;
}
