// HTTP/1.1 as Asterisk's server speaks it: taking requests from bytes, writing answers.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace aribus::sim {

struct HttpRequest {
  std::string method;
  std::string target;                          // as it came: path and query, still encoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  [[nodiscard]] std::string header(const std::string& name) const;
  [[nodiscard]] std::string path() const { return target.substr(0, target.find('?')); }
  [[nodiscard]] std::string query() const;
};

struct HttpReply {
  int status = 204;
  std::string reason;        // "" for the usual words
  std::string content_type;  // "" for none
  std::string body;
  std::vector<std::string> extra;  // further header lines, without their line ends
  bool close = false;              // close the connection afterwards
};

// Asterisk's page for errors outside of ARI.
[[nodiscard]] HttpReply html_error(int status, std::string_view text, std::string_view server);

// The answer as bytes; `server` is the value of the header Server.
[[nodiscard]] std::string rendered(const HttpReply& reply, std::string_view server);

enum class Taken { request, incomplete, bad };

// Takes one request from the front of `buffer`. `bad` puts what Asterisk says into `error`: it allows 4,095
// bytes for the request line and each header line, their line ends included.
[[nodiscard]] Taken take_request(std::string& buffer, HttpRequest& request, std::string& error);

}  // namespace aribus::sim
