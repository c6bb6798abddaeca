#include "nats/config.h"

#include <algorithm>

#include "base/suggest.h"
#include "config/files.h"
#include "config/passwords.h"
#include "config/values.h"
#include "config/yaml_text.h"
#include "nats/config_machine.h"
#include "nats/config_relations.h"
#include "nats/server_url.h"
#include "nats/subject.h"

namespace aribus::nats {
namespace {

using config::ConfigError;
using config::ConfigFaults;
using config::Purpose;
using config::Reading;
using config::YamlMap;
using config::YamlValue;

constexpr size_t max_name_bytes = 64;
constexpr int64_t max_replicas = 5;  // NATS' maximum
constexpr std::string_view name_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

std::string read_name(const YamlValue& value) {
  std::string name = value.string();
  if (name.size() > max_name_bytes || name.find_first_not_of(name_characters) != std::string::npos) {
    value.fail("1 to 64 of A-Z, a-z, 0-9, _ and - are expected, because the name is part of NATS subjects" +
               value.not_this());
  }
  if (name == "any")
    value.fail("'any' stands for every PBX in the subjects of commands; choose another name");
  return name;
}

std::string read_stream_name(const YamlValue& value) {
  std::string name = value.string();
  if (name.size() > 2 * max_name_bytes || name.find_first_not_of(name_characters) != std::string::npos)
    value.fail("1 to 128 of A-Z, a-z, 0-9, _ and - are expected" + value.not_this());
  return name;
}

// Reads the URL of one server.
std::string read_url(const YamlValue& value) {
  std::string url = value.string();
  if (url.find(',') != std::string::npos)
    value.fail("one server is expected here; write several as a list: [nats://a:4222, nats://b:4222]");
  if (const auto parsed = parse_server_url(url); !parsed) value.fail(parsed.error().message);
  return url;
}

void read_nats(const YamlValue& value, Reading& reading, NatsOptions& nats) {
  YamlMap map(value);
  map.optional("url", [&](const YamlValue& v) {
    nats.url.clear();
    if (!v.is_list()) {
      nats.url = read_url(v);
    } else {
      v.each("at least one server is expected",
             [&](const YamlValue& one) { nats.url += (nats.url.empty() ? "" : ",") + read_url(one); });
    }
  });
  map.optional("credentials", [&](const YamlValue& v) { nats.credentials = config::read_file_name(v); });
  map.optional("username", [&](const YamlValue& v) { nats.user = v.string(); });
  const int passwords = config::read_password(map, reading, "is that meant?", nats.password);
  map.optional("ca_file", [&](const YamlValue& v) { nats.ca_file = config::read_file_name(v); });
  map.optional("certificate_file", [&](const YamlValue& v) { nats.cert_file = config::read_file_name(v); });
  map.optional("key_file", [&](const YamlValue& v) { nats.key_file = config::read_file_name(v); });
  map.finish();
  if (passwords > 1) {
    Reading::note(value,
                  "more than one password; one of password_file, password_env and password is expected");
  }
  if (map.has("username") != (passwords > 0)) {
    Reading::note(
        value, map.has("username")
                   ? "no password for username; one of password_file, password_env and password is expected"
                   : "a password without username; NATS needs both");
  }
  if (map.has("credentials") && map.has("username"))
    Reading::note(value, "both credentials and username; NATS accepts only one of them: remove the other");
  if (map.has("certificate_file") != map.has("key_file"))
    Reading::note(value, "certificate_file and key_file go together; one is missing");
}

void read_stream(const YamlValue& value, StreamOptions& stream) {
  YamlMap map(value);
  map.optional("name", [&](const YamlValue& v) { stream.name = read_stream_name(v); });
  map.optional("replicas", [&](const YamlValue& v) { stream.replicas = v.integer(1, max_replicas); });
  map.optional("max_age", [&](const YamlValue& v) { stream.max_age = v.long_duration(); });
  map.optional("max_bytes", [&](const YamlValue& v) { stream.max_bytes = static_cast<int64_t>(v.bytes()); });
  map.finish();
}

void read_publish(const YamlValue& value, RecordsOptions& records) {
  YamlMap map(value);
  map.optional("types", [&](const YamlValue& v) {
    v.each("at least one type is expected; without this key all are published",
           [&](const YamlValue& one) { records.types.push_back(one.string()); });
  });
  map.optional("exclude", [&](const YamlValue& v) {
    v.each("", [&](const YamlValue& one) { records.exclude.push_back(one.string()); });
  });
  map.finish();
}

void read_root(const YamlValue& root, Reading& reading, Config& config) {
  YamlMap map(root);
  map.required("name", "it is the PBX's name, and part of subjects in NATS",
               [&](const YamlValue& v) { config.name = read_name(v); });
  map.optional("socket", [&](const YamlValue& v) { config.records.socket = config::read_socket_path(v); });
  map.optional("state_file", [&](const YamlValue& v) {
    config.state_file = v.string();
    if (!config.state_file.starts_with('/')) v.fail("an absolute path is expected");
  });
  map.optional("nats", [&](const YamlValue& v) { read_nats(v, reading, config.nats); });
  map.optional("stream", [&](const YamlValue& v) { read_stream(v, config.stream); });
  map.optional("publish", [&](const YamlValue& v) { read_publish(v, config.records); });
  map.optional("rules", [&](const YamlValue& v) {
    v.each_member([&](const std::string& rule, const YamlValue& path) {
      config.rules.emplace_back(rule, config::read_socket_path(path));
    });
  });
  map.optional("metrics", [&](const YamlValue& v) { config.metrics = config::read_metrics(v); });
  map.optional("logging", [&](const YamlValue& v) {
    YamlMap logging(v);
    logging.optional("level",
                     [&](const YamlValue& level) { config.log_level = config::read_log_level(level); });
    logging.finish();
  });
  map.finish();
  if (config.stream.name.empty()) config.stream.name = "ARIBUS_" + config.name;
  config.stream.subjects = records_of(config.name);
}

}  // namespace

Result<Config> parse_config(const std::string& text, const std::string& file, Purpose purpose) {
  ConfigFaults faults;
  Config config;
  Reading reading{.file = file, .text = text, .purpose = purpose};
  try {
    const YamlValue root(file, "", YAML::Load(text), faults);
    if (config::check_yaml_text(text, file, faults)) {
      root.attempt([&] {
        read_root(root, reading, config);
        if (!faults.empty()) return;  // a key that seems to be missing may be misspelt
        check_relations(reading, root, config);
        if (purpose == Purpose::check) check_machine(reading, root, config);
      });
    }
  } catch (const ConfigError& error) {
    faults.add(error.fault);
  } catch (const YAML::Exception& error) {
    config::explain_yaml_error(text, file, error, faults);
  }
  config.warnings = std::move(reading.warnings);
  if (faults.empty()) return config;
  Error error = faults.error();
  if (purpose == Purpose::check) {  // a check reports everything
    for (const std::string& warning : config.warnings)
      error.message += "\n" + std::string(config::warning_mark) + warning;
  }
  return error;
}

Result<Config> load_config(const std::string& file, Purpose purpose) {
  const Result<std::string> text = config::read_text(file);
  if (!text) return text.error();
  return parse_config(*text, file, purpose);
}

}  // namespace aribus::nats
