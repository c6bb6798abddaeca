#include "config/aribusd/relations.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>

#include <sys/sysinfo.h>

#include "base/time.h"
#include "net/certificates.h"
#include "net/url.h"

namespace aribus::config {
namespace {

namespace fs = std::filesystem;

constexpr Milliseconds short_time{100};  // a busy machine may well not answer within it

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool is_this_host(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string name_of(size_t index, const AsteriskConfig& asterisk) {
  return "asterisk[" + std::to_string(index) + "] ('" + asterisk.name + "')";
}

// Whether two paths lead to the same file, or would.
bool is_same_file(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  const fs::path one = fs::path(a).lexically_normal(), other = fs::path(b).lexically_normal();
  std::error_code none;
  if (one == other || fs::equivalent(one, other, none)) return true;
  return one.filename() == other.filename() && fs::equivalent(one.parent_path(), other.parent_path(), none);
}

bool has_expired(const CertificateDates& dates) {
  return dates.until < wall_now();
}

// Whether two programs can't listen at both.
bool is_same_address(const std::string& a, const std::string& b) {
  const auto is_any = [](const std::string& address) { return address == "0.0.0.0" || address == "::"; };
  return a == b || is_any(a) || is_any(b);
}

class Relations {
 public:
  Relations(DaemonReading& reading, const YamlValue& root, const Config& config)
      : reading_(reading), root_(root), config_(config) {
    for (const AsteriskConfig& asterisk : config.asterisk) {
      const auto url = parse_url(asterisk.client.url);
      urls_.push_back(url ? std::optional(*url) : std::nullopt);
      if (urls_.back()) urls_.back()->host = lower_case(urls_.back()->host);
    }
  }

  void check() {
    for (size_t i = 0; i < config_.asterisk.size(); ++i) {
      for (size_t j = i + 1; j < config_.asterisk.size(); ++j) check_apps(i, j);
      check_ports(i);
      check_certificates(i);
      check_amounts(reading_.asterisk[i], config_.asterisk[i].client);
    }
    for (size_t i = 0; i < config_.groups.size(); ++i) check_group(reading_.groups[i], config_.groups[i]);
    check_paths();
    check_sockets();
    check_ring();
  }

 private:
  [[nodiscard]] YamlValue web() const { return root_.member("web"); }
  [[nodiscard]] YamlValue metrics() const { return root_.member("metrics"); }

  // ARI gives an application to one client: the second one takes it from the first.
  void check_apps(size_t i, size_t j) {
    const AsteriskConfig &one = config_.asterisk[i], &other = config_.asterisk[j];
    const auto &a = urls_[i], &b = urls_[j];
    if (!a || !b || a->prefix != b->prefix) return;
    const bool same_host = a->host == b->host;
    const bool same_machine = same_host || (is_this_host(a->host) && is_this_host(b->host));
    // http and https are two ports of one Asterisk.
    if (!same_machine || (a->port != b->port && a->tls == b->tls)) return;
    const bool certain = same_host && a->port == b->port && !one.client.listen && !other.client.listen;
    const YamlValue place = reading_.asterisk[j].member("apps");
    for (const std::string& app : other.client.apps) {
      if (std::ranges::find(one.client.apps, app) == one.client.apps.end()) continue;
      if (certain) {
        reading_.cannot_work(place, "the application '" + app + "' of this Asterisk is listed in " +
                                        name_of(i, one) +
                                        " already, and each would take it from the other; list it in one, or "
                                        "give it another url if it is another Asterisk");
      } else {
        reading_.warn(place, "the application '" + app + "' is listed in " + name_of(i, one) +
                                 " as well: if that is the same Asterisk, each takes it from the other");
      }
    }
  }

  void check_ports(size_t i) {
    const ari::ClientOptions& client = config_.asterisk[i].client;
    const auto& url = urls_[i];
    const auto is_asterisks = [&](const std::string& address, int port) {
      return url && url->port == port && is_this_host(url->host) && is_same_address(address, "127.0.0.1");
    };
    const auto warn = [&](const YamlValue& place, int port) {
      reading_.warn(place, "port " + std::to_string(port) + " is the one at which " +
                               name_of(i, config_.asterisk[i]) +
                               " expects Asterisk's HTTP server: only one of the two can listen there");
    };
    const auto& metrics_options = config_.metrics;
    const bool has_port = metrics_options && !metrics_options->address.empty();
    if (has_port && is_asterisks(metrics_options->address, metrics_options->port))
      warn(metrics().member("listen"), metrics_options->port);
    if (!client.listen) return;
    const YamlValue place = reading_.asterisk[i].member("listen").member("port");
    if (is_asterisks(client.listen->address, client.listen->port)) warn(place, client.listen->port);
    if (has_port && metrics_options->port == client.listen->port &&
        is_same_address(metrics_options->address, client.listen->address)) {
      reading_.cannot_work(place, "port " + std::to_string(client.listen->port) +
                                      " is that of metrics.listen as well; each needs its own");
    }
  }

  void check_certificates(size_t i) {
    const ari::ClientOptions& client = config_.asterisk[i].client;
    const YamlValue& place = reading_.asterisk[i];
    const auto& url = urls_[i];
    if (!client.tls.ca_file.empty()) {
      const YamlValue at = place.member("tls").member("ca_file");
      const auto found = read_certificates(client.tls.ca_file);
      const std::string fault =
          found ? "" : found.error().message + "; the certificate of an authority is expected, as PEM";
      if (!found && url && url->tls) {
        reading_.cannot_work(at, fault);
      } else if (!found) {
        reading_.warn(at, fault);
      } else if (std::ranges::all_of(*found, has_expired)) {
        reading_.warn(at,
                      "its certificate has expired at " + to_rfc3339(found->front().until) + "; renew it");
      }
    }
    if (url && !url->tls && client.tls != TlsOptions()) {
      reading_.warn(place.member("tls"),
                    "it is for https://, and url says http://: user, password and calls travel in the clear");
    }
    if (!client.listen || client.listen->tls.certificate_file.empty()) return;
    const auto shown = read_certificates(client.listen->tls.certificate_file);
    if (shown && has_expired(shown->front())) {
      reading_.warn(place.member("listen").member("tls").member("certificate_file"),
                    "its certificate has expired at " + to_rfc3339(shown->front().until) + "; renew it");
    }
  }

  void check_amounts(const YamlValue& place, const ari::ClientOptions& client) {
    const auto is_short = [&](const char* key, Milliseconds time, const char* consequence) {
      if (time >= short_time) return false;
      reading_.warn(place.member(key), std::to_string(time.count()) + "ms is very short: " + consequence);
      return true;
    };
    if (!is_short("ping_interval", client.ping_interval, "Asterisk is pinged all the time") &&
        client.silence_timeout - client.ping_interval < short_time) {
      reading_.warn(place.member("silence_timeout"),
                    "it leaves Asterisk less than " + std::to_string(short_time.count()) +
                        "ms to answer a ping: working connections will be closed as dead");
    }
    is_short("silence_timeout", client.silence_timeout, "working connections will be closed as dead");
    is_short("connect_timeout", client.connect_timeout, "connections will not be established in time");
    is_short("request_timeout", client.request_timeout, "commands will end with an unknown outcome");
    const auto is_small = [&](const char* key, size_t bytes, size_t usual, const char* consequence) {
      if (bytes < usual) reading_.warn(place.member(key), std::string("that is very small: ") + consequence);
    };
    is_small("max_message_bytes", client.max_message_bytes, 8192, "events will become Malformed records");
    is_small("max_response_bytes", client.max_response_bytes, 65536,
             "commands will end with an unknown outcome");
    is_short("reconnect", client.reconnect.max, "Asterisk is asked all the time while it is away");
  }

  [[nodiscard]] bool is_registered(const std::string& app) const {
    return std::ranges::any_of(config_.asterisk, [&](const AsteriskConfig& asterisk) {
      return std::ranges::find(asterisk.client.apps, app) != asterisk.client.apps.end();
    });
  }

  void check_group(const YamlValue& place, const groups::Settings& group) {
    for (const std::string& app : group.apps) {
      if (is_registered(app)) continue;
      reading_.cannot_work(place.member("apps"),
                           "no entry of asterisk has the application '" + app +
                               "', so none of its calls comes; add it to asterisk[].apps");
    }
    if (group.fallback == groups::Fallback::move && !is_registered(group.fallback_app)) {
      reading_.warn(place.member("fallback_app"),
                    "no entry of asterisk has the application '" + group.fallback_app +
                        "'; a call that can't be moved is hung up, unless another ARI client has it");
    }
    if (group.fallback != groups::Fallback::none && group.accept >= group.fallback_after) {
      reading_.warn(
          place.member(place.member("accept").text().empty() ? "fallback_after" : "accept"),
          "a call falls back before a second member is offered it; fallback_after longer than accept is "
          "expected");
    }
  }

  // Files of the daemon that are in each other's way: the first to listen or write there blocks the other.
  void check_paths() {
    struct Named {
      std::string key;
      std::string path;
      YamlValue place;
    };
    std::vector<Named> made;
    for (size_t i = 0; i < reading_.sockets.size(); ++i) {
      made.push_back({"sockets[" + std::to_string(i) + "].path", config_.sockets[i].path,
                      reading_.sockets[i].member("path")});
    }
    if (reading_.sockets.empty()) made.push_back({"the default socket", config_.sockets.front().path, root_});
    if (config_.web) made.push_back({"web.path", config_.web->path, web().member("path")});
    if (config_.metrics)
      made.push_back({"metrics.path", config_.metrics->socket.path, metrics().member("path")});
    made.push_back({"bus.path", config_.bus.path, root_.member("bus").member("path")});
    for (size_t i = 0; i < made.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (!is_same_file(made[i].path, made[j].path)) continue;
        DaemonReading::note(made[i].place,
                            "it is the file of " + made[j].key + " as well; each needs its own");
        break;
      }
    }
    std::vector<std::string> read = reading_.files;
    read.push_back(reading_.file);
    for (const AsteriskConfig& asterisk : config_.asterisk) {
      read.push_back(asterisk.client.tls.ca_file);
      if (!asterisk.client.listen) continue;
      read.push_back(asterisk.client.listen->tls.certificate_file);
      read.push_back(asterisk.client.listen->tls.key_file);
    }
    for (const Named& one : made) {
      for (const std::string& file : read) {
        if (!is_same_file(one.path, file)) continue;
        DaemonReading::note(one.place, "it is a file that this configuration reads; name another one");
      }
    }
  }

  void check_sockets() {
    const auto check = [&](const SocketOptions& socket, const YamlValue& place) {
      if (socket.path.empty()) return;
      if (!socket.path.starts_with('/')) {
        reading_.warn(place.member("path"),
                      "it is relative to the folder that aribusd is started in, which is / under systemd; an "
                      "absolute path is better");
      }
      if ((socket.mode & 0222) == 0)
        reading_.warn(place.member("mode"), "nobody but root can connect with it; \"0660\" is usual");
    };
    for (size_t i = 0; i < reading_.sockets.size(); ++i) check(config_.sockets[i], reading_.sockets[i]);
    if (config_.web) check(*config_.web, web());
    if (config_.metrics) check(config_.metrics->socket, metrics());
  }

  void check_ring() {
    struct sysinfo machine {};
    if (!config_.bus.path.empty() || ::sysinfo(&machine) != 0) return;
    const uint64_t memory = uint64_t{machine.totalram} * machine.mem_unit;
    if (config_.bus.ring_bytes <= memory) return;
    reading_.warn(root_.member("bus").member("ring_bytes"),
                  "it is more than the " + std::to_string(memory >> 20) +
                      " MiB of memory that this machine has: aribusd will be killed when the ring is full");
  }

  DaemonReading& reading_;
  const YamlValue& root_;
  const Config& config_;
  std::vector<std::optional<Url>> urls_;  // of config_.asterisk, with hosts in small letters
};

}  // namespace

void check_relations(DaemonReading& reading, const YamlValue& root, const Config& config) {
  Relations(reading, root, config).check();
}

}  // namespace aribus::config
