// `aribus doctor` in front of set-ups that were broken on purpose.
#include <csignal>
#include <map>
#include <memory>

#include <unistd.h>

#include "tests/call/stage.h"

namespace aribus::test {
namespace {

// Files of an Asterisk's configuration that are changed for a while.
class Changed {
 public:
  Changed(const Asterisk& asterisk, const std::string& file, const std::string& text, std::string reload)
      : asterisk_(asterisk),
        path_(asterisk.folder + "/etc/asterisk/" + file),
        before_(read_file(path_)),
        reload_(std::move(reload)) {
    write_file(path_, text.starts_with("+") ? before_ + text.substr(1) : text);
    asterisk_.cli(reload_);
  }
  ~Changed() {
    write_file(path_, before_);
    asterisk_.cli(reload_);
  }
  Changed(const Changed&) = delete;
  Changed& operator=(const Changed&) = delete;

 private:
  const Asterisk& asterisk_;
  std::string path_, before_, reload_;
};

struct Clinic {
  explicit Clinic(const std::string& version) : asterisk(Asterisk::running(version)), app(fresh_app()) {}

  // A configuration of one Asterisk whose keys are as it runs, unless `keys` says otherwise.
  std::string config(const std::map<std::string, std::string>& keys = {}) const {
    std::map<std::string, std::string> all{{"url", asterisk.url},
                                           {"username", asterisk.username},
                                           {"password", asterisk.password},
                                           {"apps", "[" + app + "]"},
                                           {"timeouts", ""}};
    for (const auto& [key, value] : keys) all[key] = value;
    std::string text = "asterisk:\n  - name: pbx1\n";
    for (const auto& [key, value] : all) {
      if (!value.empty()) text += "    " + key + ": " + value + "\n";
    }
    const std::string file = directory / "aribusd.yaml";
    write_file(file, text + "sockets:\n  - path: " + socket() + "\n");
    return file;
  }
  std::string socket() const { return directory / "aribus.sock"; }
  // What it says; `wrong`: whether it is to find something.
  std::string doctor(const std::string& config, bool wrong = true, const std::string& as_user = "") const {
    std::vector<std::string> command{ARIBUS,     "doctor",         "--config",
                                     config,     "--asterisk-etc", asterisk.folder + "/etc/asterisk",
                                     "--socket", socket()};
    if (!as_user.empty()) {
      command.insert(command.begin(), {"setpriv", "--reuid", as_user, "--regid", as_user, "--clear-groups"});
    }
    const std::string output = directory / "output";
    ::unlink(output.c_str());
    Process process(command, output);
    CHECK(process.wait(std::chrono::seconds(30)) == (wrong ? 1 : 0));
    return read_file(output);
  }
  std::unique_ptr<Process> daemon(const std::string& config) const {
    auto process = std::make_unique<Process>(std::vector<std::string>{ARIBUSD, "--config", config},
                                             directory / "daemon.log");
    for (int i = 0; i < 100; ++i) {
      ::usleep(50'000);
      auto client = client::Client::connect(socket());
      if (!client) continue;
      const auto status = client->call("status");
      if (status && text_at((*status)["servers"][0], "state") == "ready") break;
    }
    return process;
  }

  TemporaryDirectory directory;
  Asterisk asterisk;
  std::string app;
};

}  // namespace

TEST_CASE("the doctor finds nothing where nothing is wrong, and disturbs nobody", "[doctor]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION(version) {
      const Clinic clinic(version);
      const std::string config = clinic.config();
      const auto daemon = clinic.daemon(config);
      auto connected = client::Client::connect(clinic.socket());
      REQUIRE(connected);
      Program program(std::move(*connected));
      const std::string said = clinic.doctor(config, false);
      INFO(said);
      CHECK_THAT(said, ContainsSubstring("pbx1: ready") &&
                           ContainsSubstring("ARI answers: Asterisk " + version) &&
                           ContainsSubstring("all modules that ARI needs run") &&
                           ContainsSubstring("aribusd holds the application"));
      CHECK(text_at(program.call("status")["servers"][0], "state") == "ready");
    }
  }
}

TEST_CASE("the doctor names what is wrong between aribusd and Asterisk", "[doctor]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION(version) {
      const Clinic clinic(version);
      const auto says = [&](const std::map<std::string, std::string>& keys, const std::string& what,
                            const std::string& cure) {
        CAPTURE(what);
        CHECK_THAT(clinic.doctor(clinic.config(keys)), ContainsSubstring(what) && ContainsSubstring(cure));
      };
      says({}, "aribus.sock: No such file or directory", "aribusd");
      says({{"url", "http://127.0.0.1:1"}}, "nothing listens there", "url is another port");
      says({{"url", "http://nowhere.invalid:8088"}}, "its name can't be resolved", "check the host");
      says({{"url", "https" + clinic.asterisk.url.substr(4)}}, "does not speak TLS", "http://");
      says({{"url", "http://" + clinic.asterisk.sip}}, "nothing listens there", "url is another port");
      says({{"password", "wrong"}}, "'aribus' or its password is wrong", "is another one");
      says({{"username", "somebody"}}, "'somebody' or its password is wrong", "no section [somebody]");
      says({{"url", clinic.asterisk.url + "/pbx"}}, "there is no ARI", "prefix");
      if (version == "16") {
        says({{"rest", "websocket"}}, "rest: websocket needs Asterisk 22.4", "rest: http");
        says({{"mode", "outbound"}, {"listen", "{port: 28765}"}}, "mode: outbound needs Asterisk 22.5",
             "inbound");
      }
    }
  }
}

TEST_CASE("the doctor names what is wrong in Asterisk's own configuration", "[doctor]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION(version) {
      const Clinic clinic(version);
      const std::string config = clinic.config();
      const auto says = [&](const std::string& what, const std::string& cure) {
        CHECK_THAT(clinic.doctor(config), ContainsSubstring(what) && ContainsSubstring(cure));
      };
      const std::string ari = read_file(clinic.asterisk.folder + "/etc/asterisk/ari.conf");
      const auto with = [](std::string text, const std::string& from, const std::string& to) {
        text.replace(text.find(from), from.size(), to);
        return text;
      };
      {
        const Changed off(clinic.asterisk, "ari.conf", with(ari, "enabled=yes", "enabled=no"),
                          "module reload res_ari.so");
        says("there is no ARI", "enabled=yes in ari.conf");
      }
      {
        const Changed reader(clinic.asterisk, "ari.conf", with(ari, "read_only=no", "read_only=yes"),
                             "module reload res_ari.so");
        says("may only read", "read_only=no");
      }
      {
        const Changed hasty(clinic.asterisk, "ari.conf",
                            with(ari, "enabled=yes", "enabled=yes\nwebsocket_write_timeout=1"),
                            "module reload res_ari.so");
        says("websocket_write_timeout=1", "100 (the default)");
      }
      {
        const Changed narrow(clinic.asterisk, "http.conf", "+sessionlimit=3\n", "module reload http");
        says("sessionlimit=3", "100 (the default)");
      }
      {
        const Changed off(clinic.asterisk, "http.conf", "[general]\nenabled=no\n", "module reload http");
        says("nothing listens there", "enabled=yes in http.conf");
      }
      clinic.asterisk.cli("module unload res_ari_sounds.so");
      says("modules that do not run: res_ari_sounds.so", "module load");
      clinic.asterisk.cli("module load res_ari_sounds.so");
      clinic.asterisk.cli("module unload res_ari_asterisk.so");
      says("res_ari_asterisk.so is not loaded", "module load res_ari_asterisk.so");
      clinic.asterisk.cli("module load res_ari_asterisk.so");
    }
  }
}

TEST_CASE("the doctor names what is wrong with aribusd, its socket and its application", "[doctor]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION(version) {
      const Clinic clinic(version);
      const std::string config = clinic.config();
      write_file(clinic.directory / "broken.yaml",
                 "asterisk:\n  - {urll: x, username: a, password: b, apps: [c]}\n");
      CHECK_THAT(clinic.doctor(clinic.directory / "broken.yaml"),
                 ContainsSubstring("broken.yaml:2") && ContainsSubstring("urll"));
      {
        const Daemon other({clinic.asterisk.server(clinic.app)});
        other.wait_ready();
        CHECK_THAT(clinic.doctor(config), ContainsSubstring("is held by another client"));
      }
      auto daemon = clinic.daemon(config);
      {
        const Daemon thief({clinic.asterisk.server(clinic.app)});
        thief.wait_ready();
        ::usleep(200'000);
        CHECK_THAT(clinic.doctor(config), ContainsSubstring("another client has taken its application") &&
                                              ContainsSubstring("reclaim"));
      }
      if (::geteuid() == 0) {
        run({"chmod", "-R", "a+rX", clinic.directory / ""});
        CHECK_THAT(clinic.doctor(config, true, "65534"), ContainsSubstring("this user may not use it") &&
                                                             ContainsSubstring("usermod -a -G root nobody"));
      }
      daemon->signal(SIGKILL);
      daemon->wait(std::chrono::seconds(5));
      CHECK_THAT(clinic.doctor(config), ContainsSubstring("Connection refused"));
    }
  }
}

}  // namespace aribus::test
