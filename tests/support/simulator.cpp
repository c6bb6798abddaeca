#include "tests/support/simulator.h"

#include <stdexcept>

#include <curl/curl.h>

#include "json/json.h"

namespace aribus::test {
namespace {

size_t append(char* bytes, size_t, size_t count, void* text) {
  static_cast<std::string*>(text)->append(bytes, count);
  return count;
}

}  // namespace

Simulator::Simulator(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{ARIBUS_SIM, "--port", "0"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  process_ = std::make_unique<Process>(argv);
  static const std::string greeting = "listening on ";
  const auto line = process_->read_line(std::chrono::seconds(30));
  if (!line || !line->starts_with(greeting)) {
    throw std::runtime_error("the simulator does not start: " + line.value_or(""));
  }
  authority_ = line->substr(greeting.size());
}

Server Simulator::server(const std::string& name) const {
  Server server;
  server.name = name;
  server.url = url();
  return server;
}

std::string Simulator::control(const std::string& method, const std::string& path,
                               const std::string& body) const {
  const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), curl_easy_cleanup);
  std::string answer;
  curl_easy_setopt(easy.get(), CURLOPT_URL, (url() + "/sim/" + path).c_str());
  curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  if (method == "POST") curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.c_str());
  if (method == "POST") curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(easy.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer);
  const CURLcode code = curl_easy_perform(easy.get());
  if (code != CURLE_OK) {
    throw std::runtime_error(method + " /sim/" + path + " " + body + ": " + curl_easy_strerror(code) + " " +
                             answer);
  }
  return answer;
}

void Simulator::fault(const std::string& match, const std::string& how, int times) const {
  control("POST", "fault",
          R"({"match":")" + match + R"(","times":)" + std::to_string(times) + "," + how + "}");
}

size_t Simulator::count_requests(const std::string& prefix) const {
  const auto log = parse_json(control("GET", "log"));
  if (!log || !log->IsArray()) throw std::runtime_error("the simulator's log is no array");
  size_t count = 0;
  for (const JsonValue& request : log->GetArray()) {
    const std::string line =
        std::string(find_string(request, "method")) + " " + std::string(find_string(request, "target"));
    if (line.starts_with(prefix)) ++count;
  }
  return count;
}

}  // namespace aribus::test
