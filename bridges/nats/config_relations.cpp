#include "nats/config_relations.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "base/time.h"
#include "nats/server_url.h"
#include "net/certificates.h"
#include "net/numeric_address.h"
#include "net/tls_session.h"

namespace aribus::nats {
namespace {

using config::Reading;
using config::YamlValue;

constexpr int64_t small_stream_bytes = int64_t{16} << 20;
constexpr std::chrono::seconds short_age{60};

bool has_expired(const CertificateDates& dates) {
  return dates.until < wall_now();
}

void check_certificate(Reading& reading, const YamlValue& place, const std::string& file) {
  if (file.empty()) return;
  const auto found = read_certificates(file);
  if (!found) {
    reading.cannot_work(place, found.error().message + "; a certificate is expected, as PEM");
  } else if (std::ranges::all_of(*found, has_expired)) {
    reading.warn(place, "its certificate has expired at " + to_rfc3339(found->front().until) + "; renew it");
  }
}

// Checks TLS and the login.
void check_login(Reading& reading, const YamlValue& root, const Config& config) {
  const YamlValue section = root.member("nats");
  const NatsOptions& nats = config.nats;
  check_certificate(reading, section.member("ca_file"), nats.ca_file);
  if (!nats.cert_file.empty() && !nats.key_file.empty()) {
    if (const auto made = TlsServer::make({nats.cert_file, nats.key_file}); !made) {
      reading.cannot_work(section.member("certificate_file"), made.error().message);
    } else {
      check_certificate(reading, section.member("certificate_file"), nats.cert_file);
    }
  }
  if (!nats.credentials.empty()) {
    std::ifstream stream(nats.credentials);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (text.find("BEGIN NATS USER JWT") == std::string::npos || text.find("SEED") == std::string::npos) {
      reading.cannot_work(
          section.member("credentials"),
          "it has no JWT and seed of a NATS user; a file made by 'nsc generate creds' is expected");
    }
  }
  const bool logs_in = !nats.user.empty() || !nats.credentials.empty();
  const bool any_tls = !nats.ca_file.empty() || !nats.cert_file.empty();
  for (const ServerUrl& server : servers_of(nats)) {
    if (server.tls || any_tls || is_loopback(server.host) || server.host == "localhost") continue;
    reading.warn(section.member("url"), std::string(logs_in ? "the login and " : "") +
                                            "all records are sent to " + server.host +
                                            " unencrypted, unless the server requires TLS; write tls://");
    break;
  }
}

void check_stream(Reading& reading, const YamlValue& root, const Config& config) {
  const YamlValue section = root.member("stream");
  const StreamOptions& stream = config.stream;
  if (!stream.max_age && !stream.max_bytes) {
    reading.warn(section,
                 "neither stream.max_age nor stream.max_bytes is given: a new stream grows until the disk of "
                 "NATS is full");
  }
  if (stream.max_bytes && *stream.max_bytes > 0 && *stream.max_bytes < small_stream_bytes)
    reading.warn(section.member("max_bytes"), "that is very small: a busy PBX fills it in seconds");
  if (stream.max_age && *stream.max_age < short_age) {
    reading.warn(section.member("max_age"), "that is very short: a program that is restarted misses records");
  }
  if (stream.replicas && *stream.replicas % 2 == 0) {
    reading.warn(section.member("replicas"),
                 "an even number survives no more failures than one less; 1, 3 or 5 is usual");
  }
}

// The audit log shows the name of the access rule: so each rule needs a socket with an access rule of its
// name.
void check_rules(const YamlValue& root, const Config& config) {
  std::map<std::string, std::string> rules;  // by path
  for (const auto& [rule, path] : config.rules) {
    const auto [first, is_new] = rules.emplace(path, rule);
    if (is_new) continue;
    Reading::note(root.member("rules").member(rule),
                  "the rule " + first->second +
                      " has the same socket; each needs its own, with an access rule of that name in "
                      "aribusd.yaml");
  }
}

}  // namespace

void check_relations(Reading& reading, const YamlValue& root, const Config& config) {
  check_login(reading, root, config);
  check_stream(reading, root, config);
  check_rules(root, config);
}

}  // namespace aribus::nats
