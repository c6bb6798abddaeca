#include "nats/config_machine.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "json/json.h"
#include "nats/connection.h"
#include "nats/server_url.h"

namespace aribus::nats {
namespace {

using client::Client;
using config::Reading;
using config::User;
using config::YamlValue;

constexpr std::chrono::milliseconds daemon_timeout{5000};

class Needs : private config::MachineCheck {
 public:
  Needs(Reading& reading, const YamlValue& root, const Config& config, const config::Machine& machine)
      : MachineCheck(reading, machine), reading_(reading), root_(root), config_(config) {
    // aribusd's access rules depend on the user: run by another user, the check would get other answers.
    const passwd* service = ::getpwnam(machine.user.c_str());
    is_service_ = service == nullptr || service->pw_uid == ::geteuid();
  }

  void check() {
    check_daemon();
    for (const auto& [rule, path] : config_.rules) check_rule(root_.member("rules").member(rule), rule, path);
    check_state_file();
    const YamlValue nats = root_.member("nats");
    for (const char* key : {"password_file", "credentials", "ca_file", "certificate_file", "key_file"})
      check_readable(nats.member(key));
    if (config_.metrics) check_metrics(root_.member("metrics"), *config_.metrics);
    check_servers(nats.member("url"));
  }

 private:
  // Connects to a socket of aribusd. nullopt if it can't; the reason is noted.
  std::optional<Client> connect(const YamlValue& place, const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      Reading::note(place,
                    "there is no socket " + path + ": " + std::strerror(errno) +
                        "; it must be one of `sockets` in aribusd.yaml, and exists while aribusd runs");
      return {};
    }
    if (!S_ISSOCK(info.st_mode)) {
      Reading::note(place, path + " is not a socket; use one of `sockets` in aribusd.yaml");
      return {};
    }
    require(
        place, [&](const User& user) { return user.reaches(path, W_OK); },
        [&](const User& user) {
          return user.name + " may not connect to " + path +
                 "; put it into the socket's group ('usermod --append --groups GROUP USER')";
        });
    Result<Client> client = Client::connect({.path = path, .greeting_timeout = daemon_timeout});
    if (client) return std::optional(std::move(*client));
    reading_.warn(place, client.error().message);
    return {};
  }

  void check_daemon() {
    const YamlValue place = root_.member("socket");
    std::optional<Client> client = connect(place, config_.records.socket);
    if (!client) return;
    const JsonValue* features = find(client->hello(), "features");
    const bool has_from = features != nullptr && features->IsArray() &&
                          std::ranges::any_of(features->GetArray(), [](const JsonValue& one) {
                            return one.IsString() && std::string_view(one.GetString()) == "from";
                          });
    if (!has_from) {
      return Reading::note(place,
                           "aribusd is too old (" + std::string(find_string(client->hello(), "aribus")) +
                               "): it lacks subscribe's `from`; install the same version as aribus-nats");
    }
    // aribusd checks the types.
    const client::Subscription wanted{.types = config_.records.types, .exclude = config_.records.exclude};
    if (const auto subscribed = client->subscribe(wanted); !subscribed)
      return reading_.warn(place, subscribed.error().message);
    const auto item = client->next(daemon_timeout);
    if (!item) return report_refusal(place, item.error());
    if (!*item || (*item)->type != "subscribed") return;
    const JsonValue* doubts = find((*item)->fields, "warnings");
    if (doubts == nullptr || !doubts->IsArray()) return;
    for (const JsonValue& doubt : doubts->GetArray()) {
      if (doubt.IsString()) reading_.warn(root_.member("publish"), doubt.GetString());
    }
  }

  void report_refusal(const YamlValue& place, const Error& error) {
    const std::string message = "aribusd refuses to deliver these records: " + error.message;
    if (is_service_) return Reading::note(place, message);
    reading_.warn(place, message);
  }

  void check_rule(const YamlValue& place, const std::string& rule, const std::string& path) {
    const std::optional<Client> client = connect(place, path);
    if (!client || !is_service_) return;
    const std::string_view there = find_string(client->hello(), "rule");
    if (there == rule) return;
    Reading::note(
        place,
        "the access rule for this socket is '" + std::string(there) + "', not '" + rule +
            "': its commands would be refused. Use the name of the rule in aribusd.yaml, or give the rule '" +
            rule + "' there `sockets: [" + path + "]`, before other rules that match");
  }

  void check_state_file() {
    const YamlValue place = root_.member("state_file");
    const std::string& path = config_.state_file;
    struct stat info {};
    const bool exists = ::stat(path.c_str(), &info) == 0;
    if (exists && !S_ISREG(info.st_mode))
      return Reading::note(place, "it exists and is not a file; use another path");
    if (exists) {
      require(
          place, [&](const User& user) { return user.reaches(path, R_OK); },
          [&](const User& user) {
            return user.name + " may not read " + path + ", which belongs to another user; chown it";
          });
    }
    check_folder(place, path);
  }

  // Resolves the hosts, and connects to NATS with this configuration.
  void check_servers(const YamlValue& place) {
    bool any = false;
    for (const ServerUrl& server : servers_of(config_.nats)) {
      addrinfo* found = nullptr;
      const int error = ::getaddrinfo(server.host.c_str(), nullptr, nullptr, &found);
      const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, [](addrinfo* one) {
        if (one != nullptr) ::freeaddrinfo(one);
      });
      any = any || error == 0;
      if (error == 0) continue;
      Reading::note(place, "the host " + server.host + " has no address: " + ::gai_strerror(error) +
                               "; is it misspelt, or missing in DNS and /etc/hosts?");
    }
    if (!any) return;
    if (const auto connection = nats::connect(config_.nats); !connection)
      reading_.warn(place, connection.error().message);
  }

  Reading& reading_;
  const YamlValue& root_;
  const Config& config_;
  bool is_service_ = false;
};

}  // namespace

config::Machine this_machine(const std::vector<std::string>& systemd) {
  config::Machine machine{.program = "aribus-nats",
                          .default_config = ARIBUS_CONFIG_DIR "/nats.yaml",
                          .user = "aribus-nats",
                          .folders = {"/var/lib/aribus-nats", "/run/aribus-nats"}};
  machine.read_units(systemd);
  return machine;
}

void check_machine(Reading& reading, const YamlValue& root, const Config& config,
                   const config::Machine& machine) {
  Needs(reading, root, config, machine).check();
}

}  // namespace aribus::nats
