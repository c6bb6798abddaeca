// The requests of `aribus doctor` to one Asterisk. Unlike Http they block, and tell more of the answer.
#pragma once

#include <string>

#include <curl/curl.h>

#include "ari/client.h"
#include "base/time.h"

namespace aribus::cli {

struct Answer {
  CURLcode code = CURLE_OK;
  std::string error;     // why there is none
  std::string listener;  // the user who listens there, unless it can be Asterisk's (ListenerCheck)
  long status = 0;
  std::string type;      // the header Content-Type
  std::string server;    // Server
  std::string date;      // Date
  std::string location;  // Location
  std::string body;      // its first MiB
  WallTime asked{};
  WallTime answered{};

  [[nodiscard]] bool is_json() const { return type.find("json") != std::string::npos; }
  // How far the clock that wrote `date`, in seconds, is ahead of ours for certain: 0 where the time that the
  // request took and the date's resolution explain it, negative when it is behind.
  [[nodiscard]] long long clock_ahead() const;
};

// Sends `method` to `path` below the url, as its user. A page elsewhere is not followed. To another user of
// this machine than the configured one nothing is sent: `code` is CURLE_ABORTED_BY_CALLBACK, and `listener`
// says why.
[[nodiscard]] Answer ask(const ari::ClientOptions& options, const std::string& path,
                         const char* method = "GET");

// Whether the server speaks TLS where the url says http://. No password is sent.
[[nodiscard]] bool speaks_tls(const ari::ClientOptions& options);

}  // namespace aribus::cli
