#include "config/aribusd/machine.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "protocol/default_socket.h"

namespace aribus::config {
namespace {

class Needs : private MachineCheck {
 public:
  Needs(DaemonReading& reading, const YamlValue& root, const Config& config, const Machine& machine)
      : MachineCheck(reading, machine), reading_(reading), root_(root), config_(config) {}

  void check() {
    for (size_t i = 0; i < reading_.sockets.size(); ++i)
      check_socket(reading_.sockets[i], config_.sockets[i]);
    if (config_.web) check_socket(root_.member("web"), *config_.web);
    if (config_.metrics) check_metrics(root_.member("metrics"), *config_.metrics);
    check_bus();
    for (size_t i = 0; i < config_.asterisk.size(); ++i) check_asterisk(i);
  }

 private:
  void check_bus() {
    const std::string& path = config_.bus.path;
    if (path.empty()) return;
    const YamlValue place = root_.member("bus").member("path");
    struct stat info {};
    const bool exists = ::lstat(path.c_str(), &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
      return DaemonReading::note(place, "it is a folder; the name of a file in it is expected");
    if (exists && S_ISLNK(info.st_mode))
      return DaemonReading::note(place, "it is a symbolic link; name the file that it leads to");
    if (exists && !S_ISREG(info.st_mode))
      return DaemonReading::note(place, "a regular file is expected there");
    check_folder(place, path);
    if (exists) {
      require(
          place, [&](const User& user) { return user.uid == info.st_uid; },
          [&](const User& user) {
            return "it belongs to another user than " + user.name + ": chown or remove it";
          });
    }
    struct statvfs disk {};
    if (::statvfs(folder_of(path).c_str(), &disk) != 0) return;
    const uint64_t room = uint64_t{disk.f_bavail} * disk.f_frsize;
    const uint64_t had = exists ? static_cast<uint64_t>(info.st_blocks) * 512 : 0;
    if (config_.bus.ring_bytes <= room + had) return;
    const auto size = [](uint64_t bytes) {
      return bytes < uint64_t{10} << 20 ? std::to_string(bytes >> 10) + " KiB"
                                        : std::to_string(bytes >> 20) + " MiB";
    };
    DaemonReading::note(place, "there is not enough room on its file system: " + size(room) +
                                   " are free, and ring_bytes wants " + size(config_.bus.ring_bytes));
  }

  void check_asterisk(size_t i) {
    const AsteriskConfig& asterisk = config_.asterisk[i];
    const YamlValue& section = reading_.asterisk[i];
    check_readable(section.member("password_file"));
    check_readable(section.member("tls").member("ca_file"));
    if (!asterisk.client.listen) return;
    const YamlValue listen = section.member("listen");
    check_readable(listen.member("tls").member("certificate_file"));
    check_readable(listen.member("tls").member("key_file"));
    check_port(listen.member("port"), asterisk.client.listen->address, asterisk.client.listen->port,
               [this](const YamlValue& place, const std::string& text) { reading_.warn(place, text); });
  }

  DaemonReading& reading_;
  const YamlValue& root_;
  const Config& config_;
};

}  // namespace

Machine this_machine(const std::vector<std::string>& systemd) {
  Machine machine{.program = "aribusd",
                  .default_config = ARIBUS_CONFIG_DIR "/aribusd.yaml",
                  .user = "aribus",
                  .folders = {"/run/aribus", "/var/lib/aribus"},
                  .sockets = {default_socket}};
  machine.read_units(systemd);
  return machine;
}

void check_machine(DaemonReading& reading, const YamlValue& root, const Config& config,
                   const Machine& machine) {
  Needs(reading, root, config, machine).check();
}

}  // namespace aribus::config
