#include "cli/doctor/rights.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <set>

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include "cli/terminal.h"
#include "config/aribusd/credentials.h"
#include "protocol/default_socket.h"

namespace aribus::cli {
namespace {

std::string text_of(const YAML::Node& node) {
  return node.IsDefined() && node.IsScalar() ? node.Scalar() : std::string();
}

// A member of a map; an undefined node of anything else.
YAML::Node member(const YAML::Node& node, const char* key) {
  return node.IsDefined() && node.IsMap() ? node[key] : YAML::Node(YAML::NodeType::Undefined);
}

void each(const YAML::Node& list, const std::function<void(const YAML::Node&)>& item) {
  if (!list.IsDefined() || !list.IsSequence()) return;
  for (const YAML::Node& one : list) item(one);
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string folder_of(const std::string& file) {
  const size_t slash = file.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : file.substr(0, slash);
}

std::string contents_of(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// A file that nobody but root and the daemon may read, and how to have it so.
struct Secret {
  std::string file;
  std::string what;
  std::string cure;

  bool operator<(const Secret& other) const { return file < other.file; }
};

struct Socket {
  std::string path;
  gid_t group = 0;
  mode_t mode = 0;
};

class RightsExamination {
 public:
  RightsExamination(const std::string& file, const Accounts& accounts, uid_t daemon)
      : file_(file), accounts_(accounts), daemon_(daemon) {
    const Accounts::User* user = accounts.user(daemon);
    group_ = user == nullptr ? 0 : user->gid;
    try {
      root_ = YAML::LoadFile(file);
    } catch (const YAML::Exception&) {
      root_ = YAML::Node();  // its errors are reported elsewhere
    }
  }

  std::vector<Finding> run() {
    collect_secrets();
    for (const Secret& secret : secrets_) check_secret(secret);
    check_members();
    each(member(root_, "asterisk"), [&](const YAML::Node& one) { check_credential(one); });
    each(member(root_, "sockets"), [&](const YAML::Node& one) { check_socket(one); });
    if (sockets_.empty()) check_socket(YAML::Load("path: " + std::string(default_socket)));
    check_socket(member(root_, "web"));
    check_group(member(member(root_, "metrics"), "group"), "the socket for metrics");
    each(member(root_, "access"), [&](const YAML::Node& one) { check_rule(one); });
    return std::move(findings_);
  }

 private:
  void wrong(std::string what, std::string cure) { findings_.push_back({std::move(what), std::move(cure)}); }

  [[nodiscard]] std::string place_of(const YAML::Node& node) const {
    return file_ + ":" + std::to_string(node.Mark().line + 1);
  }
  [[nodiscard]] bool is_trusted(uid_t uid) const { return uid == 0 || uid == daemon_; }
  // Users who may be in the daemon's group or in root's.
  [[nodiscard]] bool is_trusted(const std::string& name) const {
    const Accounts::User* user = accounts_.user(name);
    return user != nullptr && is_trusted(user->uid);
  }
  [[nodiscard]] std::vector<std::string> strangers_in(gid_t group) const {
    std::vector<std::string> names = accounts_.members(group);
    std::erase_if(names, [&](const std::string& name) { return is_trusted(name); });
    return names;
  }

  void collect_secrets() {
    const std::string user = accounts_.user_name(daemon_), group = accounts_.group_name(group_);
    const auto add = [&](const std::string& file, const std::string& what, const std::string& owner,
                         const std::string& mode) {
      if (file.empty()) return;
      secrets_.insert({file, what, "chown " + owner + " " + file + " && chmod " + mode + " " + file});
    };
    add(file_, "the configuration", "root:" + group, "0640");
    each(member(root_, "asterisk"), [&](const YAML::Node& one) {
      add(text_of(member(one, "password_file")), "a password", user + ":root", "0400");
      add(text_of(member(member(member(one, "listen"), "tls"), "key_file")), "a private key", user + ":root",
          "0400");
      if (const std::string name = text_of(member(one, "password_credential")); !name.empty())
        add(config::credential_source(name), "a password", "root:root", "0600");
    });
    if (const std::string ring = text_of(member(member(root_, "bus"), "path")); !ring.empty()) {
      for (const std::string& file : {ring, ring + ".old"})
        add(file, "what callers dial", user + ":" + group, "0600");
    }
  }

  void check_secret(const Secret& secret) {
    struct stat info {};
    if (::stat(secret.file.c_str(), &info) != 0) return;
    std::vector<std::string> who;
    if (!is_trusted(info.st_uid)) who.push_back("its owner " + accounts_.user_name(info.st_uid));
    const bool groups = (info.st_mode & (S_IRGRP | S_IWGRP)) != 0;
    if (groups) readers_.insert(info.st_gid);
    if (groups && info.st_gid != 0 && info.st_gid != group_) {
      who.push_back("the group " + accounts_.group_name(info.st_gid));
    }
    if ((info.st_mode & (S_IROTH | S_IWOTH)) != 0) who.emplace_back("everybody");
    if (::getxattr(secret.file.c_str(), "system.posix_acl_access", nullptr, 0) > 0) {
      who.emplace_back("whom its access control list names ('getfacl')");
    }
    if (!who.empty()) wrong(secret.file + " (" + secret.what + ") is open to " + joined(who), secret.cure);
    check_folder(folder_of(secret.file));
  }

  // Whoever writes to a folder puts another file in the place of one.
  void check_folder(const std::string& folder) {
    struct stat info {};
    if (!folders_.insert(folder).second || ::stat(folder.c_str(), &info) != 0) return;
    std::vector<std::string> who;
    const bool sticky = (info.st_mode & S_ISVTX) != 0;  // others' files stay as they are
    if (!is_trusted(info.st_uid)) who.push_back("its owner " + accounts_.user_name(info.st_uid));
    if (!sticky && (info.st_mode & S_IWGRP) != 0 && info.st_gid != 0 && info.st_gid != group_)
      who.push_back("the group " + accounts_.group_name(info.st_gid));
    if (!sticky && (info.st_mode & S_IWOTH) != 0) who.emplace_back("everybody");
    if (!who.empty()) {
      wrong("in the folder " + folder + " files can be replaced by " + joined(who),
            "chown root " + folder + " && chmod go-w " + folder);
    }
  }

  void check_members() {
    if (group_ == 0) return;
    const std::string group = accounts_.group_name(group_);
    const Accounts::Group* listed = accounts_.group(group);
    for (const std::string& name : strangers_in(group_)) {
      const bool supplementary =
          listed != nullptr && std::ranges::find(listed->members, name) != listed->members.end();
      wrong(name + " is in the group " + group + ", which is aribusd's own and may read passwords",
            (supplementary ? "gpasswd --delete " + name + " " + group
                           : "usermod --gid " + name + " " + name + " (or another group)") +
                "; 'usermod --append --groups aribus-read " + name + "' for the socket; and log in again");
    }
  }

  // systemd hands it over when the service starts.
  void check_credential(const YAML::Node& asterisk) {
    const std::string name = text_of(member(asterisk, "password_credential"));
    if (name.empty()) return;
    const std::string used = config::credential_in_use(name), source = config::credential_source(name);
    if (::access(used.c_str(), R_OK) != 0 || ::access(source.c_str(), R_OK) != 0) return;
    if (contents_of(used) == contents_of(source)) return;
    wrong(source + " was changed after aribusd was started, which has the password from before",
          "systemctl restart aribusd: a reload does not hand it over again");
  }

  // A group that a socket or a rule is for, and that reads passwords as well.
  void check_group(const YAML::Node& node, const std::string& granted) {
    const Accounts::Group* group = accounts_.group(text_of(node));
    if (group == nullptr || group->gid == 0) return;
    if (group->gid != group_ && !readers_.contains(group->gid)) return;
    wrong(
        place_of(node) + ": " + granted + " is for the group " + group->name + ", which may read passwords",
        "write aribus-read there, have people in that group ('usermod --append --groups aribus-read USER'), "
        "and 'aribus reload'");
  }

  void check_socket(const YAML::Node& node) {
    const std::string path = text_of(member(node, "path"));
    if (path.empty()) return;
    check_group(member(node, "group"), "a socket");
    check_folder(folder_of(path));
    Socket socket{path, group_, 0660};
    if (const auto* group = accounts_.group(text_of(member(node, "group")))) socket.group = group->gid;
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) {
      socket.group = info.st_gid;
      socket.mode = info.st_mode;
      if ((info.st_mode & S_IWGRP) != 0 && group_ != 0 && info.st_gid == group_) {
        wrong(path + " is for the group " + accounts_.group_name(group_) + ", which may read passwords",
              "SocketGroup=aribus-read in aribusd.socket ('systemctl cat aribusd.socket'), or `group` under "
              "`sockets`; then systemctl restart aribusd.socket");
      }
    }
    sockets_.push_back(socket);
  }

  [[nodiscard]] bool can_open(const std::string& user, const Socket& socket) const {
    return (socket.mode & S_IWOTH) != 0 ||
           ((socket.mode & S_IWGRP) != 0 && accounts_.is_member(user, socket.group));
  }

  void check_rule(const YAML::Node& rule) {
    std::set<std::string> only;
    each(member(rule, "sockets"), [&](const YAML::Node& path) { only.insert(text_of(path)); });
    each(member(rule, "groups"), [&](const YAML::Node& node) {
      check_group(node, "the rule '" + text_of(member(rule, "name")) + "'");
      const Accounts::Group* group = accounts_.group(text_of(node));
      if (group == nullptr) return;
      std::vector<std::string> outside;
      const Socket* closed = nullptr;
      for (const std::string& name : strangers_in(group->gid)) {
        bool inside = false;
        for (const Socket& socket : sockets_) {
          if (!only.empty() && !only.contains(socket.path)) continue;
          inside = inside || can_open(name, socket);
          if (closed == nullptr) closed = &socket;
        }
        if (!inside && closed != nullptr) outside.push_back(name);
      }
      if (outside.empty()) return;
      const std::string needed = accounts_.group_name(closed->group);
      wrong("the rule '" + text_of(member(rule, "name")) + "' is for the group " + group->name +
                ", and of it " + joined(outside) + " may not open " + closed->path,
            (closed->mode & S_IWGRP) == 0 || closed->group == group_
                ? "`mode` and `group` of the socket"
                : "usermod --append --groups " + needed + " " + outside.front() + ", and log in again");
    });
  }

  const std::string& file_;
  const Accounts& accounts_;
  uid_t daemon_;
  gid_t group_;  // the daemon's own; 0 where it is root's or there is none
  YAML::Node root_;
  std::set<Secret> secrets_;
  std::set<gid_t> readers_;  // groups that a secret is open to
  std::set<std::string> folders_;
  std::vector<Socket> sockets_;
  std::vector<Finding> findings_;
};

// The user that aribusd runs as: its process says it, or the package's user, or whoever asks.
uid_t user_of(pid_t process, const Accounts& accounts) {
  struct stat info {};
  if (process != 0 && ::stat(("/proc/" + std::to_string(process)).c_str(), &info) == 0) return info.st_uid;
  const Accounts::User* user = accounts.user("aribus");
  return user != nullptr ? user->uid : ::geteuid();
}

}  // namespace

std::vector<Finding> faults_of_rights(const std::string& file, const Accounts& accounts, uid_t daemon) {
  return RightsExamination(file, accounts, daemon).run();
}

void examine_rights(Report& report, const std::string& file, pid_t process) {
  if (::access(file.c_str(), R_OK) != 0) return;  // said before
  report.title("Rights");
  const Accounts accounts = Accounts::of_this_machine();
  const std::vector<Finding> faults = faults_of_rights(file, accounts, user_of(process, accounts));
  for (const Finding& fault : faults) report.wrong(fault);
  if (faults.empty()) report.good("no other user can read passwords");
}

}  // namespace aribus::cli
