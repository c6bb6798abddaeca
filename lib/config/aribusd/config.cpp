#include "config/aribusd/config.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/hash.h"
#include "base/suggest.h"
#include "bus/record_log.h"
#include "config/aribusd/access.h"
#include "config/aribusd/apps.h"
#include "config/aribusd/credentials.h"
#include "config/aribusd/groups.h"
#include "config/aribusd/machine.h"
#include "config/aribusd/reading.h"
#include "config/aribusd/relations.h"
#include "config/files.h"
#include "config/passwords.h"
#include "config/users.h"
#include "config/values.h"
#include "config/yaml_text.h"
#include "net/numeric_address.h"
#include "protocol/default_socket.h"

namespace aribus::config {
namespace {

constexpr const char* blanks_cure = "Asterisk takes none from ari.conf: remove it";
constexpr size_t max_ring_bytes = size_t{64} << 30;

// Reads the password from whichever of its four keys is given.
void read_password(YamlMap& map, const YamlValue& server, DaemonReading& reading, AsteriskConfig& config) {
  std::string& password = config.client.password;
  int given = read_password(map, reading, blanks_cure, password);
  map.optional("password_credential", [&](const YamlValue& value) {
    ++given;
    const std::string credential = credential_file(value.string());
    if (credential.empty()) {
      value.fail(
          "there are no systemd credentials; the unit needs LoadCredential=, with the name that is here");
    }
    struct stat status {};
    const bool exists = ::stat(credential.c_str(), &status) == 0;
    password =
        read_secret(credential, exists ? credential : "the credential that it names", value,
                    "; LoadCredential= of the unit names the file that it comes from: " ARIBUS_CONFIG_DIR
                    "/ari.secret, unless that was changed");
    warn_of_password(reading, value, password, "in the first line of " + credential, blanks_cure);
  });
  if (given == 1) return;
  server.attempt([&] {
    server.fail(std::string(given == 0 ? "no password" : "more than one password") +
                "; one of password_file, password_credential, password_env and password is expected");
  });
}

void read_tls(const YamlValue& value, TlsOptions& tls) {
  YamlMap map(value);
  map.optional("ca_file", [&](const YamlValue& v) { tls.ca_file = read_file_name(v); });
  map.optional("verify_peer", [&](const YamlValue& v) { tls.verify_peer = v.boolean(); });
  map.optional("verify_host", [&](const YamlValue& v) { tls.verify_host = v.boolean(); });
  map.finish();
}

void read_reconnect(const YamlValue& value, ari::ReconnectOptions& reconnect) {
  YamlMap map(value);
  map.optional("first", [&](const YamlValue& v) { reconnect.first = v.duration(); });
  map.optional("max", [&](const YamlValue& v) { reconnect.max = v.duration(); });
  map.optional("stable", [&](const YamlValue& v) { reconnect.stable = v.duration(); });
  map.optional("slow", [&](const YamlValue& v) { reconnect.slow = v.duration(); });
  map.finish();
  if (reconnect.first > reconnect.max) value.fail("first: at most as long as max is expected");
}

void read_tls_server(const YamlValue& value, TlsServerOptions& tls) {
  const size_t before = value.mistakes();
  YamlMap map(value);
  map.required("certificate_file", "it is shown to Asterisk",
               [&](const YamlValue& v) { tls.certificate_file = read_file_name(v); });
  map.required("key_file", "it is the certificate's",
               [&](const YamlValue& v) { tls.key_file = read_file_name(v); });
  map.finish();
  if (value.mistakes() != before) return;
  if (const auto made = TlsServer::make(tls); !made) value.fail(made.error().message);
}

ListenOptions read_listen(const YamlValue& value) {
  ListenOptions listen;
  YamlMap map(value);
  map.optional("address", [&](const YamlValue& v) {
    listen.address = v.string();
    if (!is_numeric_address(listen.address)) v.fail("an address in figures is expected, as 0.0.0.0 or ::1");
  });
  map.optional("port", [&](const YamlValue& v) { listen.port = static_cast<int>(v.integer(1, 65535)); });
  map.optional("path", [&](const YamlValue& v) {
    listen.path = v.string();
    if (!listen.path.starts_with('/') || listen.path.find_first_of("?# ") != std::string::npos) {
      v.fail("the path of a URL is expected, as /ari");
    }
  });
  map.optional("tls", [&](const YamlValue& v) { read_tls_server(v, listen.tls); });
  map.finish();
  return listen;
}

// The user that Asterisk runs as.
ListenerUser read_user(const YamlValue& value) {
  const std::string name = value.string();
  const auto id = find_user(name);
  if (!id) value.fail("there is no such user; create it, or name the one that Asterisk runs as");
  return {name, *id};
}

// Which side connects.
void read_direction(YamlMap& map, ari::ClientOptions& client) {
  map.optional("mode", [&](const YamlValue& v) {
    const std::string mode = v.string();
    if (mode == "outbound") {
      client.listen.emplace();
    } else if (mode != "inbound") {
      v.fail("inbound or outbound is expected");
    }
  });
  map.optional("listen", [&](const YamlValue& v) {
    if (!client.listen) v.fail("mode: outbound is expected with it");
    client.listen = read_listen(v);
  });
}

ari::OnReplaced read_on_replaced(const YamlValue& value, bool listening) {
  const std::string policy = value.string();
  if (policy == "report") return ari::OnReplaced::report;
  if (policy != "reclaim") value.fail("report or reclaim is expected");
  if (listening) value.fail("report is expected with mode: outbound, where nothing can be taken back");
  return ari::OnReplaced::reclaim;
}

ari::RestMode read_rest(const YamlValue& value) {
  constexpr std::string_view modes[] = {"http", "auto", "websocket"};  // in the order of RestMode
  const std::string given = value.string();
  const auto* const at = std::ranges::find(modes, given);
  if (at == std::end(modes)) {
    value.fail("one of " + join(modes) + " is expected" + did_you_mean(given, modes));
  }
  return static_cast<ari::RestMode>(at - std::begin(modes));
}

// Certificates are renewed under the same name: a change shows in the contents only.
uint64_t hash_of_files(const ari::ClientOptions& client) {
  std::string contents;
  const auto add = [&](const std::string& file) {
    std::string text(max_file_bytes, '\0');
    std::ifstream stream(file, std::ios::binary);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    contents.append(text, 0, static_cast<size_t>(stream.gcount()));
    contents += '\0';
  };
  if (!client.tls.ca_file.empty()) add(client.tls.ca_file);
  if (client.listen && !client.listen->tls.certificate_file.empty()) {
    add(client.listen->tls.certificate_file);
    add(client.listen->tls.key_file);
  }
  return contents.empty() ? 0 : hash_of(contents);
}

std::string read_url(const YamlValue& value, DaemonReading& reading) {
  std::string text = value.string();
  const auto url = parse_url(text);
  if (!url) value.fail(url.error().message);
  const std::string expected = " (expected http://host:8088)";
  if (url->prefix.ends_with("/ari/events")) {
    reading.cannot_work(
        value, "url: it ends with /ari/events, which aribusd adds itself: end it before /ari" + expected);
  } else if (text.starts_with("ws")) {
    reading.warn(value,
                 "url: ws:// and wss:// are taken for http:// and https://: aribusd makes requests as well" +
                     expected);
  }
  return text;
}

AsteriskConfig read_asterisk(const YamlValue& value, DaemonReading& reading) {
  AsteriskConfig config;
  ari::ClientOptions& client = config.client;
  client.url = "http://127.0.0.1:8088";
  YamlMap map(value);
  map.optional("name", [&](const YamlValue& v) { config.name = v.string(); });
  map.optional("url", [&](const YamlValue& v) {
    client.url.clear();  // if it can't be used, the default must not be used instead
    client.url = read_url(v, reading);
  });
  map.required("username", "it is the name of a [user] section of Asterisk's ari.conf",
               [&](const YamlValue& v) {
                 client.username = v.string();
                 warn_of_blanks(v, client.username, reading);
                 if (is_variable(client.username)) reading.warn(v, variable_warning);
                 if (client.username.find(':') != std::string::npos)
                   v.fail("a name without a colon is expected (RFC 7617: what follows it is the password)");
               });
  read_password(map, value, reading, config);
  map.optional("user", [&](const YamlValue& v) { client.user = read_user(v); });
  map.required("apps", "the dialplan names them: Stasis(name)",
               [&](const YamlValue& v) { client.apps = read_apps(v, reading); });
  read_direction(map, client);
  map.optional("on_replaced", [&](const YamlValue& v) {
    client.on_replaced = read_on_replaced(v, client.listen.has_value());
  });
  map.optional("subscribe_all", [&](const YamlValue& v) { client.subscribe_all = v.boolean(); });
  map.optional("tls", [&](const YamlValue& v) { read_tls(v, client.tls); });
  map.optional("reconnect", [&](const YamlValue& v) { read_reconnect(v, client.reconnect); });
  map.optional("rest", [&](const YamlValue& v) { client.rest = read_rest(v); });
  map.optional("connect_timeout", [&](const YamlValue& v) { client.connect_timeout = v.duration(); });
  map.optional("request_timeout", [&](const YamlValue& v) { client.request_timeout = v.duration(); });
  map.optional("ping_interval", [&](const YamlValue& v) { client.ping_interval = v.duration(); });
  map.optional("silence_timeout", [&](const YamlValue& v) { client.silence_timeout = v.duration(); });
  map.optional("max_connections",
               [&](const YamlValue& v) { client.max_connections = static_cast<int>(v.integer(1)); });
  map.optional("max_response_bytes", [&](const YamlValue& v) { client.max_response_bytes = v.bytes(); });
  map.optional("max_message_bytes", [&](const YamlValue& v) { client.max_message_bytes = v.bytes(); });
  const size_t before = value.mistakes();
  map.finish();
  if (value.mistakes() != before && !map.has("url")) client.url.clear();  // `url` may be the misspelt key
  if (client.silence_timeout <= client.ping_interval) {
    value.fail(
        "silence_timeout: longer than ping_interval is expected, or every quiet connection is closed as "
        "dead");
  }
  config.tls_files = hash_of_files(client);
  if (!client.tls.verify_peer || !client.tls.verify_host) {
    reading.warnings.push_back("asterisk " + config.name + ": TLS certificates are not fully verified");
  }
  if (client.listen && client.listen->tls.certificate_file.empty() && !is_loopback(client.listen->address)) {
    reading.warnings.push_back("asterisk " + config.name +
                               ": listen has no tls: user, password and calls travel in the clear");
  }
  return config;
}

SocketOptions read_socket(const YamlValue& value) {
  SocketOptions socket;
  YamlMap map(value);
  map.required("path", "it is where programs connect",
               [&](const YamlValue& v) { socket.path = read_socket_path(v); });
  read_socket_rights(map, socket);
  map.finish();
  return socket;
}

void read_limits(const YamlValue& value, Config& config) {
  YamlMap map(value);
  session::SessionLimits& limits = config.sessions.limits;
  map.optional("connections", [&](const YamlValue& v) {
    config.sessions.max_connections = static_cast<size_t>(v.integer(1));
  });
  map.optional("commands",
               [&](const YamlValue& v) { limits.max_commands = static_cast<size_t>(v.integer(1)); });
  map.optional("batch", [&](const YamlValue& v) { limits.max_batch = static_cast<size_t>(v.integer(1)); });
  map.optional("request_bytes", [&](const YamlValue& v) { limits.max_line_bytes = v.bytes(); });
  map.optional("unsent_bytes", [&](const YamlValue& v) { limits.max_unsent_bytes = v.bytes(); });
  map.optional("user_bytes", [&](const YamlValue& v) { limits.max_user_bytes = v.bytes(); });
  map.optional("drain_timeout", [&](const YamlValue& v) { config.drain_timeout = v.duration(); });
  map.finish();
}

void read_config(const YamlValue& root, DaemonReading& reading, Config& config) {
  YamlMap map(root);
  map.required("asterisk", "it lists the servers to connect to", [&](const YamlValue& value) {
    std::set<std::string> names;
    std::set<int> ports;
    value.each("at least one server is expected", [&](const YamlValue& item) {
      config.asterisk.push_back(read_asterisk(item, reading));
      reading.asterisk.push_back(item);
      const auto& listen = config.asterisk.back().client.listen;
      if (listen && !ports.insert(listen->port).second) {
        item.fail("listen: port: " + std::to_string(listen->port) +
                  " is another server's already; each has its own");
      }
      if (!names.insert(config.asterisk.back().name).second) {
        item.fail("name: '" + config.asterisk.back().name +
                  "' is the name of another server already; each has its own");
      }
    });
  });
  map.optional("sockets", [&](const YamlValue& value) {
    value.each("at least one socket is expected", [&](const YamlValue& item) {
      config.sockets.push_back(read_socket(item));
      reading.sockets.push_back(item);
    });
  });
  if (config.sockets.empty()) config.sockets.push_back({.path = default_socket});
  map.optional("web", [&](const YamlValue& value) { config.web = read_socket(value); });
  map.optional("access", [&](const YamlValue& value) {
    std::vector<SocketOptions> sockets = config.sockets;
    if (config.web) sockets.push_back(*config.web);
    config.sessions.access = read_access(value, sockets, reading.warnings);
  });
  map.optional("groups", [&](const YamlValue& value) { config.groups = read_groups(value, reading); });
  map.optional("bus", [&](const YamlValue& value) {
    YamlMap bus(value);
    bus.optional("ring_bytes", [&](const YamlValue& v) {
      config.bus.ring_bytes = v.bytes();
      if (config.bus.ring_bytes < bus::RecordLog::min_ring_bytes) v.fail("at least 64KiB is expected");
      if (config.bus.ring_bytes > max_ring_bytes) v.fail("at most 64GiB is expected");
    });
    bus.optional("path", [&](const YamlValue& v) {
      config.bus.path = v.string();
      if (!config.bus.path.starts_with('/')) v.fail("an absolute path is expected");
    });
    bus.finish();
  });
  map.optional("limits", [&](const YamlValue& value) { read_limits(value, config); });
  map.optional("metrics", [&](const YamlValue& value) { config.metrics = read_metrics(value); });
  map.optional("logging", [&](const YamlValue& value) {
    YamlMap logging(value);
    logging.optional("level", [&](const YamlValue& v) { config.log_level = read_log_level(v); });
    logging.optional("audit", [&](const YamlValue& v) { config.audit = read_audit(v); });
    logging.finish();
  });
  map.finish();
}

// Warns if a group that a socket or a rule is for can read this file: its members then read the passwords in
// it, and usually those in files beside it.
void warn_of_readers(const Config& config, std::vector<std::string>& warnings) {
  struct stat status {};
  if (::stat(config.file.c_str(), &status) != 0 || (status.st_mode & S_IRGRP) == 0 || status.st_gid == 0)
    return;
  const auto is_for_it = [&](const SocketOptions& socket) { return socket.group == status.st_gid; };
  const bool granted = std::ranges::any_of(config.sockets, is_for_it) ||
                       (config.web && is_for_it(*config.web)) ||
                       (config.metrics && is_for_it(config.metrics->socket)) ||
                       std::ranges::any_of(config.sessions.access.rules(), [&](const auto& rule) {
                         return std::ranges::find(rule->groups, status.st_gid) != rule->groups.end();
                       });
  if (!granted) return;
  warnings.push_back(
      config.file +
      " is readable for a group that a socket or an access rule is for; give these another one, "
      "as aribus-read ('aribus doctor' names the lines)");
}

// Reads the valid parts into `config`; mistakes go to `faults`, doubts to the configuration's warnings.
void read_text_into(Config& config, const std::string& text, const std::string& file, Purpose purpose,
                    ConfigFaults& faults) {
  config.file = file;
  DaemonReading reading{{.file = file, .text = text, .purpose = purpose}};
  try {
    const YamlValue root(file, "", YAML::Load(text), faults);
    if (!check_yaml_text(text, file, faults)) return;
    root.attempt([&] {
      read_config(root, reading, config);
      check_relations(reading, root, config);
      if (purpose == Purpose::check) check_machine(reading, root, config);
    });
  } catch (const ConfigError& error) {
    faults.add(error.fault);
  } catch (const YAML::Exception& error) {
    explain_yaml_error(text, file, error, faults);
  }
  config.warnings = std::move(reading.warnings);
  config.files = std::move(reading.files);
  for (const AsteriskConfig& asterisk : config.asterisk) {
    const ari::ClientOptions& client = asterisk.client;
    if (!client.tls.ca_file.empty()) config.files.push_back(client.tls.ca_file);
    if (!client.listen || client.listen->tls.certificate_file.empty()) continue;
    config.files.push_back(client.listen->tls.certificate_file);
    config.files.push_back(client.listen->tls.key_file);
  }
}

}  // namespace

Result<Config> parse_config(const std::string& text, const std::string& file, Purpose purpose) {
  ConfigFaults faults;
  Config config;
  config.read = wall_now();
  read_text_into(config, text, file, purpose, faults);
  warn_of_readers(config, config.warnings);
  if (faults.empty()) return config;
  Error error = faults.error();
  if (purpose == Purpose::check) {  // a check reports everything
    for (const std::string& warning : config.warnings)
      error.message += "\n" + std::string(warning_mark) + warning;
  }
  return error;
}

Result<Config> load_config(const std::string& file, Purpose purpose) {
  const WallTime begin = wall_now();
  const Result<std::string> text = read_text(file);
  if (!text) return text.error();
  Result<Config> config = parse_config(*text, file, purpose);
  if (!config) return config;
  config->read = begin;
  std::error_code none;  // its folder may be gone by the time that somebody asks
  if (const auto path = std::filesystem::absolute(file, none); !none) config->file = path;
  return config;
}

Config load_usable(const std::string& file) {
  Config config;
  const Result<std::string> text = read_text(file);
  if (!text) return config;
  ConfigFaults ignored;
  read_text_into(config, *text, file, Purpose::start, ignored);
  std::erase_if(config.asterisk, [](const AsteriskConfig& one) { return one.client.url.empty(); });
  return config;
}

}  // namespace aribus::config
