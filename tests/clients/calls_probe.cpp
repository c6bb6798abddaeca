// Serves calls with the C++ client, each as its first argument says, and prints what comes of it: for
// calls_test.py.
#include <iostream>

#include "client/calls.h"

using namespace aribus::client;
using namespace std::chrono_literals;

namespace {

void tell(const Channel& call, const std::string& json) {
  std::cout << "[\"" << call.id() << "\", " << json << "]" << std::endl;
}

std::string text(const std::string& plain) {
  return "\"" + plain + "\"";
}
std::string text(std::optional<char> digit) {
  return digit ? text(std::string(1, *digit)) : "null";
}

Task<std::string> act(Calls& calls, Channel call) {
  const std::string what = call.args().empty() ? "" : call.args().front();
  if (what == "play") {
    const std::string until = call.args().size() > 1 ? call.args()[1] : "none";
    const auto digit = co_await call.play("sound:x", PlayOptions().terminate_on(until));
    co_return text(digit);
  }
  if (what == "type ahead") {
    co_await call.play("sound:x");
    const std::string second = text(co_await call.play("sound:y", PlayOptions().terminate_on("2")));
    const std::string third = text(co_await call.digit(0ms));
    const std::string fourth = text(co_await call.digit(0ms));
    co_return "[" + second + ", " + third + ", " + fourth + "]";
  }
  if (what == "digit") co_return text(co_await call.digit());
  if (what == "digits") co_return text(co_await call.digits(5));
  if (what == "record") {
    const auto recording = co_await call.record("message", RecordOptions().terminate_on("none"));
    co_return text(recording.state == aribus::ari::RecordingState::done ? "done" : "not done");
  }
  if (what == "originate") {
    const Channel leg = co_await calls.originate(
        "PJSIP/1", OriginateOptions().caller_id("Somebody with a long name <100>").originator(call));
    tell(call, text("answered"));
    co_return text(co_await leg.play("sound:x"));
  }
  if (what == "bridge") {
    const Bridge bridge = co_await calls.bridge(call);
    const Channel left = co_await bridge.left();
    co_return text(left.id());
  }
  if (what == "hand over") {
    const aribus::ari::ChannelsContinueInDialplan place{.context = "default"};
    co_await call.call(place);
  } else if (what == "get") {
    co_return text(co_await call.get("X"));
  } else if (what == "answer") {
    co_await call.answer();
  } else if (what == "fail") {
    throw std::logic_error("on purpose");
  } else {
    co_await call.gone();
  }
  co_return "null";
}

Task<> handle(Calls& calls, Channel call) {
  try {
    tell(call, co_await act(calls, call));
  } catch (const ChannelGone&) {
    tell(call, text("ChannelGone"));
    throw;
  } catch (const PlaybackFailed&) {
    tell(call, text("PlaybackFailed"));
    throw;
  } catch (const RecordingFailed&) {
    tell(call, text("RecordingFailed"));
    throw;
  } catch (const CallFailed& failed) {
    tell(call, text("CallFailed " + failed.outcome + " " + std::to_string(failed.cause)));
    throw;
  }
}

}  // namespace

int main(int argc, char** argv) {
  auto client = Client::connect({.wait = 10s});
  if (!client) return 1;
  Calls calls(std::move(*client));
  ServeOptions options;
  if (argc > 1 && argv[1] == std::string("filtered")) options.args = {"wanted"};
  const auto serving = calls.serve(
      "demo", [&](Channel call) { return handle(calls, call); }, options);
  if (!serving && serving.error().kind == aribus::ErrorKind::invalid_params)
    std::cout << "\"InvalidParams\"" << std::endl;
  if (!serving) return 1;
  calls.run();
}
