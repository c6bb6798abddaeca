#include "daemon/config.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>

#include <sys/stat.h>
#include <yaml-cpp/eventhandler.h>

#include "base/bytes.h"
#include "base/nearest.h"
#include "base/tcp_socket.h"
#include "bus/log.h"
#include "daemon/config_access.h"
#include "daemon/credentials.h"
#include "daemon/yaml_reader.h"

namespace aribus::daemon {
namespace {

constexpr size_t max_secret_bytes = 4096;
constexpr size_t max_file_bytes = 1 << 20;
constexpr size_t max_ring_bytes = size_t{64} << 30;
constexpr std::string_view log_levels[] = {"trace", "debug", "info", "warning", "error", "off"};

void warn_if_readable(const std::string& file, std::vector<std::string>& warnings) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & S_IROTH) == 0) return;
  std::string warning = file + " holds a password and is readable by others: chmod o-r " + file;
  if (std::ranges::find(warnings, warning) == warnings.end()) warnings.push_back(std::move(warning));
}

// A file for an error: by its name when it or its folder is there, for a password may stand in the place of
// one.
std::string file_for_error(const std::string& file) {
  struct stat status {};
  const auto exists = [&](const std::string& path) { return ::stat(path.c_str(), &status) == 0; };
  const std::string folder = file.substr(0, file.rfind('/') + 1);
  const bool is_path = file.starts_with('/') && (exists(file) || (folder != "/" && exists(folder)));
  return is_path ? file : "the file that it names";
}

// The first line of a secret's file, which errors call `shown_file`. `where` ends what is said when it is
// missing.
std::string read_secret(const std::string& file, const std::string& shown_file, const YamlValue& value,
                        const std::string& where = "") {
  std::ifstream stream(file);
  std::string secret;
  if (!stream) {
    value.fail("the password can't be read from " + shown_file + ": " + std::strerror(errno) +
               "; the file must be there, and the daemon's user must be able to read it" + where);
  }
  for (char c = 0; secret.size() <= max_secret_bytes && stream.get(c) && c != '\n';) secret += c;
  if (stream.bad()) value.fail(shown_file + " can't be read; a file is expected");
  if (secret.size() > max_secret_bytes) {
    value.fail("the first line of " + shown_file + " is longer than " + std::to_string(max_secret_bytes) +
               " bytes; is it the right file?");
  }
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.find('\0') != std::string::npos)
    value.fail("the first line of " + shown_file + " holds a NUL byte");
  if (secret.empty())
    value.fail("the first line of " + shown_file + " is empty; the password is expected there" + where);
  return secret;
}

// Reads the password from whichever of its four keys is given.
void read_password(YamlMap& map, const YamlValue& server, const std::string& file, AsteriskConfig& config,
                   std::vector<std::string>& warnings) {
  int given = 0;
  std::string& password = config.client.password;
  map.optional("password", [&](const YamlValue& value) {
    ++given;
    password = value.string();
    warn_if_readable(file, warnings);
  });
  map.optional("password_file", [&](const YamlValue& value) {
    ++given;
    const std::string path = value.string();
    password = read_secret(path, file_for_error(path), value);
    warn_if_readable(path, warnings);
  });
  map.optional("password_env", [&](const YamlValue& value) {
    ++given;
    const char* found = std::getenv(value.string().c_str());
    if (found == nullptr || *found == '\0') value.fail("the environment variable that it names is not set");
    password = found;
  });
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
  });
  if (given == 1) return;
  server.attempt([&] {
    server.fail(std::string(given == 0 ? "no password" : "more than one password") +
                "; one of password_file, password_credential, password_env and password is expected");
  });
}

// The path of a file that can be read.
std::string read_file_name(const YamlValue& value) {
  std::string file = value.string();
  if (!std::ifstream(file)) {
    const int error = errno;
    value.fail(file_for_error(file) + " can't be read: " + std::strerror(error) +
               "; it must be there, and the daemon's user must be able to read it");
  }
  return file;
}

void read_tls(const YamlValue& value, ari::TlsOptions& tls) {
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

void read_tls_server(const YamlValue& value, ari::TlsServerOptions& tls) {
  const size_t before = value.mistakes();
  YamlMap map(value);
  map.required("certificate_file", "it is shown to Asterisk",
               [&](const YamlValue& v) { tls.certificate_file = read_file_name(v); });
  map.required("key_file", "it is the certificate's",
               [&](const YamlValue& v) { tls.key_file = read_file_name(v); });
  map.finish();
  if (value.mistakes() != before) return;
  if (const auto made = ari::TlsServer::make(tls); !made) value.fail(made.error().message);
}

ari::ListenOptions read_listen(const YamlValue& value) {
  ari::ListenOptions listen;
  YamlMap map(value);
  map.optional("address", [&](const YamlValue& v) {
    listen.address = v.string();
    if (!is_numeric_address(listen.address)) v.fail("an address in figures is expected, as 0.0.0.0 or ::1");
  });
  map.optional("port", [&](const YamlValue& v) {
    listen.port = static_cast<int>(v.integer(1));
    if (listen.port > 65535) v.fail("a port is expected: 1 to 65535");
  });
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
ari::AsteriskUser read_user(const YamlValue& value) {
  const std::string name = value.string();
  const auto id = find_user(name);
  if (!id) value.fail("there is no such user; create it, or name the one that Asterisk runs as");
  return {name, *id};
}

// Which of the two connects.
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

std::string read_app(const YamlValue& value) {
  std::string app = value.string();
  if (app.find(',') != std::string::npos)
    value.fail("the name of one application, without a comma, is expected");
  return app;
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

// Certificates are renewed under the same name.
uint64_t hash_of_files(const ari::ClientOptions& client) {
  std::string contents;
  const auto add = [&](const std::string& file) {
    std::ifstream stream(file);
    contents.append(std::istreambuf_iterator<char>(stream), {});
    contents += '\0';
  };
  if (!client.tls.ca_file.empty()) add(client.tls.ca_file);
  if (client.listen && !client.listen->tls.certificate_file.empty()) {
    add(client.listen->tls.certificate_file);
    add(client.listen->tls.key_file);
  }
  return contents.empty() ? 0 : hash_of(contents);
}

AsteriskConfig read_asterisk(const YamlValue& value, const std::string& file,
                             std::vector<std::string>& warnings) {
  AsteriskConfig config;
  ari::ClientOptions& client = config.client;
  client.url = "http://127.0.0.1:8088";
  YamlMap map(value);
  map.optional("name", [&](const YamlValue& v) { config.name = v.string(); });
  map.optional("url", [&](const YamlValue& v) {
    client.url = v.string();
    if (const auto url = ari::parse_url(client.url); !url) v.fail(url.error().message);
  });
  map.required("username", "it is the name of a [user] section of Asterisk's ari.conf",
               [&](const YamlValue& v) {
                 client.username = v.string();
                 if (client.username.find(':') != std::string::npos)
                   v.fail("a name without a colon is expected (RFC 7617: what follows it is the password)");
               });
  read_password(map, value, file, config, warnings);
  map.optional("user", [&](const YamlValue& v) { client.user = read_user(v); });
  map.required("apps", "the dialplan names them: Stasis(name)", [&](const YamlValue& v) {
    v.each("at least one application is expected",
           [&](const YamlValue& app) { client.apps.push_back(read_app(app)); });
  });
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
  map.finish();
  if (client.silence_timeout <= client.ping_interval) {
    value.fail(
        "silence_timeout: longer than ping_interval is expected, or every quiet connection is taken for "
        "dead");
  }
  config.tls_files = hash_of_files(client);
  if (!client.tls.verify_peer || !client.tls.verify_host) {
    warnings.push_back("asterisk " + config.name + ": TLS certificates are not fully verified");
  }
  if (client.listen && client.listen->tls.certificate_file.empty() && !is_loopback(client.listen->address)) {
    warnings.push_back("asterisk " + config.name +
                       ": listen has no tls: user, password and calls travel in the clear");
  }
  return config;
}

std::string socket_path(const YamlValue& value) {
  std::string path = value.string();
  if (path.size() > ipc::max_path_bytes) {
    value.fail("a path of at most " + std::to_string(ipc::max_path_bytes) +
               " bytes is expected, not one of " + std::to_string(path.size()));
  }
  return path;
}

ipc::SocketOptions read_socket(const YamlValue& value) {
  ipc::SocketOptions socket;
  YamlMap map(value);
  map.required("path", "it is where programs connect",
               [&](const YamlValue& v) { socket.path = socket_path(v); });
  map.optional("mode", [&](const YamlValue& v) { socket.mode = v.mode(); });
  map.optional("owner", [&](const YamlValue& v) { socket.owner = user_id(v); });
  map.optional("group", [&](const YamlValue& v) { socket.group = group_id(v); });
  map.finish();
  return socket;
}

// "127.0.0.1:9464", "[::1]:9464"
void read_address(const YamlValue& value, HttpOptions& http) {
  const std::string text = value.string();
  const size_t colon = text.rfind(':');
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  int port = 0;
  const char* const end = text.data() + text.size();
  const bool is_port = colon != std::string::npos && colon + 1 < text.size() &&
                       std::from_chars(text.data() + colon + 1, end, port).ptr == end && port > 0 &&
                       port < 65536;
  if (!is_port || !is_numeric_address(address)) {
    value.fail("an address in figures and a port are expected, as 127.0.0.1:9464 or \"[::1]:9464\", not '" +
               text + "'");
  }
  if (!is_loopback(address)) {
    value.fail(
        "a loopback address is expected, as nobody has to log in there; a proxy with TLS can carry it "
        "further");
  }
  http.address = address;
  http.port = port;
}

HttpOptions read_metrics(const YamlValue& value) {
  HttpOptions http;
  YamlMap map(value);
  map.optional("listen", [&](const YamlValue& v) { read_address(v, http); });
  map.optional("path", [&](const YamlValue& v) { http.socket.path = socket_path(v); });
  map.optional("mode", [&](const YamlValue& v) { http.socket.mode = v.mode(); });
  map.optional("owner", [&](const YamlValue& v) { http.socket.owner = user_id(v); });
  map.optional("group", [&](const YamlValue& v) { http.socket.group = group_id(v); });
  map.finish();
  if (map.has("listen") == map.has("path")) value.fail("one of listen and path is expected");
  return http;
}

void read_limits(const YamlValue& value, Config& config) {
  YamlMap map(value);
  ipc::SessionLimits& session = config.ipc.session;
  map.optional("connections",
               [&](const YamlValue& v) { config.ipc.max_connections = static_cast<size_t>(v.integer(1)); });
  map.optional("commands",
               [&](const YamlValue& v) { session.max_commands = static_cast<size_t>(v.integer(1)); });
  map.optional("batch", [&](const YamlValue& v) { session.max_batch = static_cast<size_t>(v.integer(1)); });
  map.optional("request_bytes", [&](const YamlValue& v) { session.max_line_bytes = v.bytes(); });
  map.optional("unsent_bytes", [&](const YamlValue& v) { session.max_unsent_bytes = v.bytes(); });
  map.optional("user_bytes", [&](const YamlValue& v) { session.max_user_bytes = v.bytes(); });
  map.optional("drain_timeout", [&](const YamlValue& v) { config.drain_timeout = v.duration(); });
  map.finish();
}

Config read_config(const YamlValue& root, const std::string& file) {
  Config config;
  YamlMap map(root);
  map.required("asterisk", "it lists the servers to connect to", [&](const YamlValue& value) {
    std::set<std::string> names;
    std::set<int> ports;
    value.each("at least one server is expected", [&](const YamlValue& item) {
      config.asterisk.push_back(read_asterisk(item, file, config.warnings));
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
    std::set<std::string> paths;
    value.each("at least one socket is expected", [&](const YamlValue& item) {
      config.ipc.sockets.push_back(read_socket(item));
      const std::string& path = config.ipc.sockets.back().path;
      if (!path.empty() && !paths.insert(path).second) {
        item.fail("path: " + path + " is another socket's already; each has its own");
      }
    });
  });
  if (config.ipc.sockets.empty()) config.ipc.sockets.push_back({.path = "/run/aribus/aribus.sock"});
  map.optional("access", [&](const YamlValue& value) {
    config.ipc.access = read_access(value, config.ipc.sockets, config.warnings);
  });
  map.optional("bus", [&](const YamlValue& value) {
    YamlMap bus(value);
    bus.optional("ring_bytes", [&](const YamlValue& v) {
      config.bus.ring_bytes = v.bytes();
      if (config.bus.ring_bytes < bus::Log::min_ring_bytes) v.fail("at least 64KiB is expected");
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
    logging.optional("level", [&](const YamlValue& v) {
      config.log_level = v.string();
      if (std::ranges::find(log_levels, config.log_level) == std::end(log_levels)) {
        v.fail("one of " + join(log_levels) + " is expected, not '" + shown(config.log_level) + "'" +
               did_you_mean(config.log_level, log_levels));
      }
    });
    logging.optional("audit", [&](const YamlValue& v) { config.audit = read_audit(v); });
    logging.finish();
  });
  map.finish();
  return config;
}

// Who is in a group that a socket or a rule is for, and that reads this file, reads the passwords that stand
// in it, and as a rule those beside it.
void warn_of_readers(const Config& config, std::vector<std::string>& warnings) {
  struct stat status {};
  if (::stat(config.file.c_str(), &status) != 0 || (status.st_mode & S_IRGRP) == 0 || status.st_gid == 0)
    return;
  const auto is_for_it = [&](const ipc::SocketOptions& socket) { return socket.group == status.st_gid; };
  const bool granted = std::ranges::any_of(config.ipc.sockets, is_for_it) ||
                       (config.metrics && is_for_it(config.metrics->socket)) ||
                       std::ranges::any_of(config.ipc.access.rules(), [&](const auto& rule) {
                         return std::ranges::find(rule->groups, status.st_gid) != rule->groups.end();
                       });
  if (!granted) return;
  warnings.push_back(
      config.file +
      " is readable for a group that a socket or an access rule is for; give these another one, "
      "as aribus-read ('aribus doctor' names the lines)");
}

// The text of a file. Errors: it can't be read, or is larger than a configuration may be.
Result<std::string> read_text(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return system_error("the configuration " + file);
  if (S_ISDIR(status.st_mode)) {
    return Error{ErrorKind::invalid_params, file + ": it is a folder; a file is expected", {}};
  }
  std::ifstream stream(file);
  if (!stream) return system_error("the configuration " + file);
  std::string text(max_file_bytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() <= max_file_bytes) return text;
  return Error{
      ErrorKind::invalid_params,
      file + ": it is larger than " + std::to_string(max_file_bytes >> 20) + " MiB; is it the right file?",
      {}};
}

// YAML takes no tab where a line is indented, and says so in other words.
void refuse_tabs(const std::string& text, const std::string& file, ConfigFaults& faults) {
  int line = 0;
  for (size_t at = 0; at < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const size_t first = text.find_first_not_of(' ', at);
    if (first < end && text[first] == '\t') {
      const int column = static_cast<int>(first - at);
      faults.add({line, column, file, "", "a tab; lines are indented with spaces"});
    }
    at = end + 1;
  }
}

// What helps with what yaml-cpp says.
std::string_view cure_of(std::string_view message) {
  if (message.find("illegal map value") != std::string_view::npos)
    return "; a value with ': ' in it needs quotes, and a key a line of its own";
  if (message.find("flow") != std::string_view::npos || message.find("end of") != std::string_view::npos)
    return "; is a bracket, a brace or a quote not closed?";
  return "; look at the indentation, the quotes and the brackets here and in the line above";
}

// Notes where a document begins.
class DocumentStart : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> mark;

  void OnDocumentStart(const YAML::Mark& at) override { mark = at; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

// Where the second document of `text` begins. (YAML::LoadAll does not come to an end with all that is no
// YAML.)
std::optional<YAML::Mark> second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStart first, second;
  if (parser.HandleNextDocument(first)) parser.HandleNextDocument(second);
  return second.mark;
}

}  // namespace

Result<Config> parse_config(const std::string& text, const std::string& file) {
  ConfigFaults faults;
  Config config;
  try {
    const YamlValue root(file, "", YAML::Load(text), faults);
    if (const auto second = second_document(text)) {
      faults.add({second->line, second->column, file, "",
                  "a second document; one is expected: is there a line '---', or a comma too many?"});
    }
    root.attempt([&] { config = read_config(root, file); });
  } catch (const ConfigError& error) {
    faults.add(error.fault);
  } catch (const YAML::Exception& error) {
    refuse_tabs(text, file, faults);
    if (faults.empty()) {
      // What follows a colon there is from the file, and may be a password: "…: *anchor".
      faults.add(
          {error.mark.line, error.mark.column, file, "",
           "no YAML: " + shown(error.msg.substr(0, error.msg.find(':'))) + std::string(cure_of(error.msg))});
    }
  }
  config.file = file;
  if (faults.empty()) {
    warn_of_readers(config, config.warnings);
    return config;
  }
  return faults.error();
}

Result<Config> load_config(const std::string& file) {
  const Result<std::string> text = read_text(file);
  if (!text) return text.error();
  return parse_config(*text, file);
}

}  // namespace aribus::daemon
