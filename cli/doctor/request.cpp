#include "cli/doctor/request.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>

#include <strings.h>

#include "net/url.h"

namespace aribus::cli {
namespace {

constexpr size_t max_body_bytes = 1 << 20;

void take_header(std::string_view line, Answer& answer) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name(line.substr(0, colon));
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  value = value.substr(0, value.find_first_of("\r\n"));
  const auto take = [&](const char* wanted, std::string& into) {
    if (::strcasecmp(name.c_str(), wanted) == 0) into = value;
  };
  take("Content-Type", answer.type);
  take("Server", answer.server);
  take("Date", answer.date);
  take("Location", answer.location);
}

struct Curl {
  std::unique_ptr<CURL, void (*)(CURL*)> handle{curl_easy_init(), curl_easy_cleanup};
  char reason[CURL_ERROR_SIZE] = "";

  template <typename Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle.get(), option, value);
  }
  void perform(const ari::ClientOptions& options, const std::string& url, Answer& answer) {
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>((options.connect_timeout + Milliseconds(3000)).count()));
    set(CURLOPT_ERRORBUFFER, reason);
    set(CURLOPT_WRITEDATA, &answer.body);
    set(
        CURLOPT_WRITEFUNCTION, +[](char* data, size_t, size_t size, void* into) {
          auto& body = *static_cast<std::string*>(into);
          body.append(data, std::min(size, max_body_bytes - std::min(body.size(), max_body_bytes)));
          return size;
        });
    set(CURLOPT_HEADERDATA, &answer);
    set(
        CURLOPT_HEADERFUNCTION, +[](char* data, size_t, size_t size, void* into) {
          take_header({data, size}, *static_cast<Answer*>(into));
          return size;
        });
    answer.asked = wall_now();
    answer.code = curl_easy_perform(handle.get());
    answer.answered = wall_now();
    answer.error = reason[0] != '\0' ? reason : curl_easy_strerror(answer.code);
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  }
};

}  // namespace

long long Answer::clock_ahead() const {
  const time_t there = curl_getdate(date.c_str(), nullptr);
  if (there == -1) return 0;
  const auto seconds = [](WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  };
  constexpr int resolution = 2;  // of the header, and of clocks that are kept
  if (there > seconds(answered) + resolution) return there - seconds(answered);
  if (there < seconds(asked) - resolution) return there - seconds(asked);
  return 0;
}

Answer ask(const ari::ClientOptions& options, const std::string& path, const char* method) {
  Answer answer;
  const auto url = parse_url(options.url);
  if (!url) {
    answer.code = CURLE_URL_MALFORMAT;
    answer.error = url.error().message;
    return answer;
  }
  Curl curl;
  curl.set(CURLOPT_CUSTOMREQUEST, method);
  curl.set(CURLOPT_USERNAME, options.username.c_str());
  curl.set(CURLOPT_PASSWORD, options.password.c_str());
  curl.set(CURLOPT_SSL_VERIFYPEER, options.tls.verify_peer ? 1L : 0L);
  curl.set(CURLOPT_SSL_VERIFYHOST, options.tls.verify_host ? 2L : 0L);
  if (!options.tls.ca_file.empty()) curl.set(CURLOPT_CAINFO, options.tls.ca_file.c_str());
  ListenerCheck check(options.user, [&](const std::string& text) { answer.listener = text; });
  const MaySend may_send = [&](const SocketAddress& local, const SocketAddress& remote) {
    Result<void> may = check(local, remote);
    if (!may) answer.listener = may.error().message;
    return may;
  };
  curl.set(CURLOPT_PREREQDATA, &may_send);
  curl.set(
      CURLOPT_PREREQFUNCTION, +[](void* asked, char* remote, char* local, int remote_port, int local_port) {
        const auto may = (*static_cast<const MaySend*>(asked))({local, local_port}, {remote, remote_port});
        return may ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
      });
  curl.perform(options, url->text() + path, answer);
  return answer;
}

bool speaks_tls(const ari::ClientOptions& options) {
  auto url = parse_url(options.url);
  if (!url || url->tls) return false;
  url->tls = true;
  Answer answer;
  Curl curl;
  curl.set(CURLOPT_SSL_VERIFYPEER, 0L);
  curl.set(CURLOPT_SSL_VERIFYHOST, 0L);
  curl.perform(options, url->text() + "/httpstatus", answer);
  return answer.code == CURLE_OK;
}

}  // namespace aribus::cli
