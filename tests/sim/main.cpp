#include <csignal>
#include <iostream>

#include <uv.h>

#include "options.h"
#include "server.h"

using namespace aribus::sim;

int main(int argc, char** argv) {
  Options options;
  switch (parse_options(argc, argv, options)) {
    case Start::exit_ok:
      return 0;
    case Start::exit_usage:
      return 2;
    case Start::run:
      break;
  }
  std::signal(SIGPIPE, SIG_IGN);
  uv_loop_t loop;
  uv_loop_init(&loop);
  int result = 0;
  {
    Server server(&loop, options);
    uv_signal_t signals[2];
    for (int i = 0; i < 2; ++i) {
      uv_signal_init(&loop, &signals[i]);
      signals[i].data = &server;
      uv_signal_start(
          &signals[i], [](uv_signal_t* handle, int) { uv_stop(handle->loop); }, i == 0 ? SIGTERM : SIGINT);
    }
    int port = 0;
    if (!options.replay.empty() && !server.load_replay()) {
      std::cerr << "aribus-sim: no events in " << options.replay << "\n";
      result = 1;
    } else if (port = server.listen(); port < 0) {
      std::cerr << "aribus-sim: 127.0.0.1:" << options.port << ": " << uv_strerror(port) << "\n";
      result = 1;
    } else {
      std::cout << "listening on 127.0.0.1:" << port << std::endl;
      uv_run(&loop, UV_RUN_DEFAULT);
    }
    server.close();
    for (auto& signal : signals) uv_close(reinterpret_cast<uv_handle_t*>(&signal), nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
  }
  uv_loop_close(&loop);
  return result;
}
