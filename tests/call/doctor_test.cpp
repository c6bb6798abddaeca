// `aribus doctor` in front of set-ups that are right, and of ones whose parts don't fit together.
#include <csignal>
#include <cstdlib>

#include <unistd.h>

#include "tests/call/clinic.h"
#include "tests/support/left_out.h"
#include "tests/support/soon.h"

namespace aribus::test {

TEST_CASE("the doctor finds nothing where nothing is wrong, and disturbs nobody", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    // As the daemon reads it: with what may stand at the end of a URL.
    const std::string config =
        clinic.config({{"url", clinic.asterisk.url + "/ari"}, {"user", clinic.asterisk_user()}});
    const auto daemon = clinic.daemon(config);
    auto connected = client::Connection::connect(clinic.socket());
    REQUIRE(connected);
    Program program(std::move(*connected));
    CHECK_THAT(clinic.doctor(config, {.wrong = false}),
               ContainsSubstring("pbx1: ready") && ContainsSubstring("ARI answers: Asterisk " + version) &&
                   ContainsSubstring("all modules that ARI needs run") && ContainsSubstring("may write") &&
                   ContainsSubstring("aribusd holds the application '" + clinic.app + "'") &&
                   ContainsSubstring("Nothing is wrong.") && !ContainsSubstring("note"));
    CHECK(text_at(program.call("status")["servers"][0], "state") == "ready");
    for (const Json& record : program.records()) CHECK(text_at(record, "type") != "ApplicationReplaced");
  });
}

TEST_CASE("the doctor names what does not fit between aribusd's configuration and Asterisk", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    const auto says = [&](const std::map<std::string, std::string>& keys, const std::string& what,
                          const std::string& cure) {
      CHECK_THAT(clinic.doctor(clinic.config(keys)), ContainsSubstring(what) && ContainsSubstring(cure));
    };
    says({{"url", "http://127.0.0.1:1"}}, "nothing listens there", "url is another port");
    says({{"url", "http://127.0.0.1"}}, "nothing listens there", "url is another port");
    says({{"url", "http://nowhere.invalid:8088"}}, "its name can't be resolved", "check the host");
    says({{"url", "https" + clinic.asterisk.url.substr(4)}}, "does not speak TLS", "url: http://");
    says({{"password", "wrong"}}, "the password of the user 'aribus' is wrong", "is another one");
    says({{"username", "somebody"}}, "the user 'somebody' is unknown", "no section [somebody]");
    says({{"url", clinic.asterisk.url + "/pbx"}}, "there is no ARI", "prefix");
    says({{"url", "ws" + clinic.asterisk.url.substr(4) + "/ari/events"}}, "url ends with /ari/events",
         "end it before /ari");
    says({{"password", "'" + clinic.asterisk.password + " '"}}, "the password of the user 'aribus' is wrong",
         "aribusd's has blanks at its beginning or end");
    if (version == "16") {
      says({{"rest", "websocket"}}, "rest: websocket needs Asterisk 22.4", "rest: http");
      says({{"mode", "outbound"}, {"listen", "{port: 28765}"}}, "mode: outbound needs Asterisk 22.5",
           "mode: inbound");
    }
  });
}

TEST_CASE("the doctor says what docs/operations.md shows", "[doctor]") {
  const Clinic clinic(versions().front());
  const std::string config = clinic.config({{"password", "wrong"}});
  const auto daemon = clinic.daemon(config, "down");
  std::string said = clinic.doctor(config);
  for (const auto& [here, there] : std::initializer_list<std::pair<std::string, std::string>>{
           {config, "/etc/aribus/aribusd.yaml"},
           {clinic.socket(), "/run/aribus/aribus.sock"},
           {clinic.asterisk.url, "http://127.0.0.1:8088"}}) {
    for (size_t at = 0; (at = said.find(here)) != std::string::npos;) said.replace(at, here.size(), there);
  }
  CHECK_THAT(read_file(ARIBUS_SOURCE_DIR "/docs/operations.md"),
             ContainsSubstring("```text\n# aribus doctor\n" + said + "```\n"));
}

TEST_CASE("the doctor names a faulty configuration", "[doctor]") {
  const Clinic clinic(versions().front());
  write_file(clinic.directory / "broken.yaml",
             "asterisk:\n  - {urll: x, username: a, password: b, apps: [c]}\nloging: {}\n");
  const std::string wrong = "  wrong  " + (clinic.directory / "broken.yaml");
  CHECK_THAT(clinic.doctor(clinic.directory / "broken.yaml"),
             ContainsSubstring(wrong + ":2") && ContainsSubstring("urll") &&
                 ContainsSubstring(wrong + ":3") && ContainsSubstring("loging") &&
                 ContainsSubstring("not asked"));
}

TEST_CASE("the doctor finds a password among the service's credentials", "[doctor]") {
  if (needs_root()) return;
  if (std::system("unshare --mount true 2>/dev/null") != 0)
    return leave_out("no mounts of one's own can be made here, as in a bare chroot");
  const Clinic clinic(versions().front());
  const std::string config = clinic.config({{"password", ""}, {"password_credential", "aribus.secret"}});
  const std::string credentials = "/run/credentials/aribusd.service";
  const std::string script = "mount -t tmpfs none /run && mkdir -p " + credentials + " && printf " +
                             clinic.asterisk.password + " > " + credentials + "/aribus.secret && exec \"$@\"";
  // Where it can't be found that is said.
  CHECK_THAT(clinic.doctor(config, {.before = {"unshare", "--mount", "sh", "-c",
                                               "mount -t tmpfs none /run; exec \"$@\"", "sh"}}),
             ContainsSubstring("password_credential"));
  CHECK_THAT(clinic.doctor(config, {.before = {"unshare", "--mount", "sh", "-c", script, "sh"}}),
             ContainsSubstring("ARI answers"));
}

TEST_CASE("the doctor tells when the clocks differ", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    CHECK_THAT(clinic.doctor(clinic.config(), {.environment = {"LD_PRELOAD=" WRONG_CLOCK,
                                                               "ASAN_OPTIONS=verify_asan_link_order=0"}}),
               ContainsSubstring("its clock is 3600 s slow") && ContainsSubstring("time synchronisation"));
  });
}

TEST_CASE("the doctor names what is wrong with aribusd and its socket", "[doctor]") {
  const Clinic clinic(versions().front());
  const std::string config = clinic.config();
  CHECK_THAT(clinic.doctor(config),
             ContainsSubstring("aribus.sock: No such file or directory") && ContainsSubstring("aribusd"));
  auto daemon = clinic.daemon(config);
  SECTION("it has read another configuration") {
    CHECK_THAT(clinic.doctor(clinic.config({{"apps", "[other]"}})),
               ContainsSubstring("holds other applications") &&
                   ContainsSubstring("after aribusd had read it") &&
                   ContainsSubstring("         aribus reload\n") && !ContainsSubstring("systemctl restart"));
  }
  SECTION("it has ended and left its socket behind") {
    daemon->signal(SIGKILL);
    daemon->wait(std::chrono::seconds(30));
    CHECK_THAT(clinic.doctor(config),
               ContainsSubstring("Connection refused") && ContainsSubstring("systemctl start aribusd"));
  }
  SECTION("it stands still") {
    daemon->signal(SIGSTOP);
    CHECK_THAT(clinic.doctor(config), ContainsSubstring("it does not answer") &&
                                          ContainsSubstring("journalctl -u aribusd") &&
                                          !ContainsSubstring("another client"));
    daemon->signal(SIGCONT);
  }
  SECTION("the user has no rights") {
    if (needs_root()) return;
    const std::string nobody = "65534";
    const Clinic::Visit as_nobody{
        .before = {"setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups"},
        .environment = {"ARIBUS_SOCKET=" + clinic.socket()}};
    run({"chmod", "0700", clinic.directory / ""});
    CHECK_THAT(clinic.doctor(config, as_nobody), ContainsSubstring("run 'aribus doctor' as root") &&
                                                     ContainsSubstring("may not enter its folder"));
    run({"chmod", "-R", "a+rX", clinic.directory / ""});
    CHECK_THAT(clinic.doctor(config, as_nobody), ContainsSubstring("this user may not use it") &&
                                                     ContainsSubstring("its group is root's") &&
                                                     !ContainsSubstring("another client"));
    run({"chgrp", "audio", clinic.socket()});
    CHECK_THAT(clinic.doctor(config, as_nobody), ContainsSubstring("usermod -a -G audio nobody"));
    run({"chmod", "0600", clinic.socket()});
    CHECK_THAT(clinic.doctor(config, as_nobody), ContainsSubstring("no rights for groups"));
  }
}

TEST_CASE("the doctor tells who has an application instead of aribusd", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    const std::string config = clinic.config();
    auto daemon = clinic.daemon(config);
    {
      Daemon thief({clinic.asterisk.server(clinic.app)});
      thief.wait_ready();
      auto client = client::Connection::connect(clinic.socket());
      REQUIRE(client);
      CHECK(soon([&] { return text_at((*client->call("status"))["servers"][0], "state") == "replaced"; }));
      CHECK_THAT(clinic.doctor(config),
                 ContainsSubstring("another client has taken its application") &&
                     ContainsSubstring("reclaim") &&
                     ContainsSubstring("aribusd (process " + std::to_string(thief.process().pid())) &&
                     !ContainsSubstring("(process " + std::to_string(daemon->pid())));
    }
    daemon.reset();
    const std::string known =
        "Asterisk knows the application '" + clinic.app + "', which aribusd does not hold";
    {
      const Daemon other({clinic.asterisk.server(clinic.app)});
      other.wait_ready();
      CHECK_THAT(clinic.doctor(config), ContainsSubstring(known));
    }
    CHECK_THAT(clinic.doctor(config), !ContainsSubstring(known));
  });
}

}  // namespace aribus::test
