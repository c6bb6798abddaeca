#include "http.h"

#include <algorithm>

#include "text.h"

namespace aribus::sim {
namespace {

constexpr size_t max_line_bytes = 4095;

std::string_view usual_reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 422:
      return "Unprocessable Entity";
    case 426:
      return "Upgrade Required";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

// The end of the line at `from`, behind its line feed; npos when it isn't there yet.
size_t line_end(const std::string& buffer, size_t from) {
  const auto end = buffer.find('\n', from);
  return end == std::string::npos ? end : end + 1;
}

}  // namespace

std::string HttpRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string HttpRequest::query() const {
  const auto mark = target.find('?');
  return mark == std::string::npos ? "" : target.substr(mark + 1);
}

HttpReply html_error(int status, std::string_view text, std::string_view server) {
  const std::string reason(usual_reason(status));
  HttpReply reply;
  reply.status = status;
  reply.content_type = "text/html";
  reply.body = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\r\n<html><head>\r\n<title>" +
               std::to_string(status) + " " + reason + "</title>\r\n</head><body>\r\n<h1>" + reason +
               "</h1>\r\n<p>" + std::string(text) + "</p>\r\n<hr />\r\n<address>" + std::string(server) +
               "</address>\r\n</body></html>\r\n";
  return reply;
}

std::string rendered(const HttpReply& reply, std::string_view server) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  out += reply.reason.empty() ? usual_reason(reply.status) : std::string_view(reply.reason);
  out += "\r\nServer: ";
  out += server;
  out += "\r\nDate: " + http_date() + "\r\n";
  if (reply.close) out += "Connection: close\r\n";
  out += "Cache-Control: no-cache, no-store\r\n";
  for (const auto& line : reply.extra) out += line + "\r\n";
  if (!reply.content_type.empty()) out += "Content-type: " + reply.content_type + "\r\n";
  out += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n";
  return out + reply.body;
}

Taken take_request(std::string& buffer, HttpRequest& request, std::string& error) {
  request = {};
  size_t at = 0;
  bool first = true;
  while (true) {
    const auto end = line_end(buffer, at);
    const auto size = (end == std::string::npos ? buffer.size() : end) - at;
    if (size > max_line_bytes) {
      error = first ? "Request line too long" : "Header line too long";
      return Taken::bad;
    }
    if (end == std::string::npos) return Taken::incomplete;
    const auto line = trimmed(std::string_view(buffer).substr(at, size));
    at = end;
    if (first) {
      const auto words = split(line, ' ');
      if (words.size() < 2) {
        error = "Invalid Request";
        return Taken::bad;
      }
      request.method = words[0];
      request.target = words[1];
      first = false;
    } else if (line.empty()) {
      break;
    } else if (const auto colon = line.find(':'); colon != std::string::npos) {
      auto name = line.substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = trimmed(std::string_view(line).substr(colon + 1));
    }
  }
  const auto length = static_cast<size_t>(std::max(0, leading_number(request.header("content-length"))));
  if (buffer.size() - at < length) return Taken::incomplete;
  request.body = buffer.substr(at, length);
  buffer.erase(0, at + length);
  return Taken::request;
}

}  // namespace aribus::sim
