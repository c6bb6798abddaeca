// `aribus doctor` in front of Asterisks whose own configuration is wrong.
#include <optional>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/url.h"
#include "tests/call/clinic.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

constexpr const char* reload_http = "module reload http";
constexpr const char* reload_ari = "module reload res_ari.so";

// A connection that nothing is sent over.
Fd idle_connection(const std::string& url) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(parse_url(url)->port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("no connection to " + url);
  }
  return socket;
}

// As many connections as Asterisk keeps; what is beyond its limit it closes at once. An Asterisk that has run
// for a while counts some that have ended, and some of these no longer a moment later: several have to be
// refused.
std::vector<Fd> all_connections(const std::string& url) {
  std::vector<Fd> kept;
  for (int refused = 0; refused < 5 && kept.size() < 100;) {
    Fd added = idle_connection(url);
    pollfd state{added.get(), POLLRDHUP, 0};
    if (::poll(&state, 1, 200) == 0) {
      kept.push_back(std::move(added));
      refused = 0;
    } else {
      ++refused;
      let_pass(std::chrono::milliseconds(200));
    }
  }
  return kept;
}

}  // namespace

TEST_CASE("the doctor names what is wrong in Asterisk's ari.conf", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    const std::string config = clinic.config(), ari = clinic.text_of("ari.conf");
    const auto says = [&](const std::string& text, const std::string& what, const std::string& cure) {
      const Changed changed(clinic.asterisk, "ari.conf", text, reload_ari);
      CHECK_THAT(clinic.doctor(config), ContainsSubstring(what) && ContainsSubstring(cure));
    };
    says(with(ari, "enabled=yes", "enabled=no"), "there is no ARI", "enabled=yes in ari.conf");
    says(with(ari, "read_only=no", "read_only=yes"), "may only read", "read_only=no in [aribus]");
    says(with(ari, "enabled=yes", "enabled=yes\nwebsocket_write_timeout=1"), "websocket_write_timeout=1",
         "100 (the default, in ms)");
    says(with(ari, "type=user", "type=user\npassword_format=crypt"),
         "the password of the user 'aribus' is wrong", "crypted");
    if (version == "22") {
      says(with(ari, "type=user", "type=user\ndeny=0.0.0.0/0"), "Access denied by ACL",
           "permit, deny and acl");
    }
    // As distributions of Asterisk write theirs.
    write_file(clinic.asterisk.folder + "/etc/asterisk/ari_users.conf",
               "[people](!)\ntype=user\n[aribus](people)\npassword=other ; \n");
    says("[general]\nenabled = 1\n#include ari_users.conf\n", "the password of the user 'aribus' is wrong",
         "the password in [aribus] of ari.conf is another one");
    ::unlink((clinic.asterisk.folder + "/etc/asterisk/ari_users.conf").c_str());
    {
      const std::string file = clinic.asterisk.folder + "/etc/asterisk/ari.conf";
      const Changed changed(clinic.asterisk, "ari.conf", with(ari, "password=", "password=x"), reload_ari);
      write_file(file, ari);
      CHECK_THAT(clinic.doctor(config), ContainsSubstring("Asterisk has not read it"));
    }
  });
}

TEST_CASE("the doctor names what is wrong in Asterisk's http.conf", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    const std::string config = clinic.config(), http = clinic.text_of("http.conf");
    const auto says = [&](const std::string& text, const std::string& what, const std::string& cure) {
      const Changed changed(clinic.asterisk, "http.conf", text, reload_http);
      CHECK_THAT(clinic.doctor(config), ContainsSubstring(what) && ContainsSubstring(cure));
    };
    says(with(http, "enabled=yes", "enabled=no"), "nothing listens there", "enabled=yes in http.conf");
    says(with(http, "bindaddr=127.0.0.1", "bindaddr=127.0.0.9"), "nothing listens there",
         "bindaddr=127.0.0.9: is that url's host");
    says(http + "prefix=pbx\n", "there is no ARI", "prefix=pbx: url must end with /pbx");
    says(with(http, "sessionlimit=1000", "sessionlimit=3"),
         "sessionlimit=3 in http.conf: aribusd alone takes up to 9", "100 (the default)");
    {
      const Changed named(clinic.asterisk, "http.conf", http + "servername=switchboard\n", reload_http);
      CHECK_THAT(clinic.doctor(config), ContainsSubstring("ARI answers"));
    }
    // Asterisk counts some connections that have long ended: the limit has to leave room for more than those.
    std::optional<Changed> narrow;
    int limit = 4;
    std::vector<Fd> kept;
    do {
      limit *= 2;
      kept.clear();
      narrow.reset();
      narrow.emplace(clinic.asterisk, "http.conf",
                     with(http, "sessionlimit=1000", "sessionlimit=" + std::to_string(limit)), reload_http);
      kept = all_connections(clinic.asterisk.url);
    } while (kept.size() <= 1 && limit < 256);
    REQUIRE(kept.size() > 1);
    CHECK_THAT(clinic.doctor(config), ContainsSubstring("closed without an answer") &&
                                          ContainsSubstring("its sessionlimit (" + std::to_string(limit) +
                                                            ") of http.conf is reached") &&
                                          ContainsSubstring("(process " + std::to_string(::getpid()) + ", " +
                                                            std::to_string(kept.size()) + " connections)"));
  });
}

TEST_CASE("the doctor names what is wrong with Asterisk's TLS", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    const std::string tls_port = "284" + version, address = "127.0.0.1:" + tls_port;
    const std::string etc = clinic.asterisk.folder + "/etc/asterisk/";
    const auto certificate = [&](const std::string& names, const std::string& days) {
      run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
           "-days", days, "-subj", "/CN=pbx", "-addext", "subjectAltName=" + names, "-keyout",
           clinic.directory / "key.pem", "-out", clinic.directory / "cert.pem"});
      write_file(etc + "doctor.pem",
                 read_file(clinic.directory / "cert.pem") + read_file(clinic.directory / "key.pem"));
      run({"chmod", "a+r", etc + "doctor.pem"});
    };
    const std::string http = clinic.text_of("http.conf") + "tlsenable=yes\ntlsbindaddr=" + address +
                             "\ntlscertfile=/etc/asterisk/doctor.pem\n";
    const std::map<std::string, std::string> trusting{
        {"url", "https://" + address}, {"tls", "{ca_file: " + (clinic.directory / "cert.pem") + "}"}};
    {
      certificate("IP:127.0.0.1", "2");
      const Changed on(clinic.asterisk, "http.conf", http, reload_http);
      CHECK_THAT(clinic.doctor(clinic.config(trusting)), ContainsSubstring("ARI answers"));
      CHECK_THAT(clinic.doctor(clinic.config({{"url", "https://" + address}})),
                 ContainsSubstring("its certificate is not trusted") && ContainsSubstring("ca_file"));
      CHECK_THAT(clinic.doctor(clinic.config({{"url", "http://" + address}})),
                 ContainsSubstring("the port speaks TLS") && ContainsSubstring("url: https://"));
    }
    {
      CHECK_THAT(clinic.doctor(clinic.config(trusting)),
                 ContainsSubstring("nothing listens there") && ContainsSubstring("tlsenable=yes"));
    }
    {
      certificate("DNS:elsewhere.example", "2");
      const Changed on(clinic.asterisk, "http.conf", http, reload_http);
      CHECK_THAT(
          clinic.doctor(clinic.config(trusting)),
          ContainsSubstring("its certificate is for another name") && ContainsSubstring("url: a host"));
    }
    ::unlink((etc + "doctor.pem").c_str());
  });
}

TEST_CASE("the doctor names modules that Asterisk lacks", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    const std::string config = clinic.config();
    {
      const Unloaded sounds(clinic.asterisk, "res_ari_sounds.so");
      CHECK_THAT(clinic.doctor(config), ContainsSubstring("whose commands fail: res_ari_sounds.so"));
    }
    {
      const Unloaded bridges(clinic.asterisk, "res_ari_bridges.so");
      CHECK_THAT(clinic.doctor(config),
                 ContainsSubstring("wrong  modules that do not run: res_ari_bridges.so") &&
                     ContainsSubstring("module load"));
    }
    {
      const Unloaded asterisk(clinic.asterisk, "res_ari_asterisk.so");
      CHECK_THAT(clinic.doctor(config), ContainsSubstring("res_ari_asterisk.so is not loaded") &&
                                            ContainsSubstring("module load res_ari_asterisk.so"));
    }
  });
}

// Calls that were left in an application keep it known to Asterisk.
TEST_CASE("the doctor blames nobody for an application that was left behind", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    const std::string config = clinic.config(), channel = clinic.app + "-left";
    auto daemon = clinic.daemon(config);
    auto client = client::Connection::connect(clinic.socket());
    REQUIRE(client);
    Program program(std::move(*client));
    program.call("channels.originate", R"({"endpoint":"Local/answer@default","app":")" + clinic.app +
                                           R"(","channelId":")" + channel + R"("})");
    program.expect_about("StasisStart", channel);
    daemon.reset();
    CHECK_THAT(clinic.doctor(config), ContainsSubstring("or calls were left in it") &&
                                          ContainsSubstring("ari show app " + clinic.app) &&
                                          ContainsSubstring("1 thing is wrong"));
    daemon = clinic.daemon(config);
    auto again = client::Connection::connect(clinic.socket());
    REQUIRE(again);
    Program(std::move(*again)).call("channels.hangup", params(channel));
  });
}

TEST_CASE("the doctor names what keeps Asterisk from connecting to aribusd", "[doctor]") {
  for (const std::string& version : versions()) {
    if (version == "16") continue;
    const Clinic clinic(version);
    const std::string config = clinic.config({{"mode", "outbound"}, {"listen", "{port: 28765}"}});
    CHECK_THAT(clinic.doctor(config), ContainsSubstring("no section with type=outbound_websocket"));
    const Changed ari(clinic.asterisk, "ari.conf",
                      clinic.text_of("ari.conf") +
                          "\n[aribusd-events]\ntype=outbound_websocket\nwebsocket_client_id=aribusd\napps=" +
                          clinic.app + "\nlocal_ari_user=aribus\nsubscribe_all=no\n",
                      reload_ari);
    const auto says = [&](const std::string& uri, const std::string& password, const std::string& what) {
      const Changed changed(clinic.asterisk, "websocket_client.conf",
                            "[aribusd]\ntype=websocket_client\nconnection_type=persistent\nuri=" + uri +
                                "\nprotocols=ari\nusername=aribus\npassword=" + password +
                                "\nreconnect_interval=200\n",
                            "module reload res_websocket_client.so");
      CHECK_THAT(clinic.doctor(config), ContainsSubstring(what));
    };
    CHECK_THAT(clinic.doctor(config), ContainsSubstring("wants [aribusd] in websocket_client.conf"));
    says("ws://127.0.0.1:28766/ari", clinic.asterisk.password, "aribusd listens at port 28765, path /ari");
    says("wss://127.0.0.1:28765/ari", clinic.asterisk.password, "aribusd speaks no TLS there");
    says("ws://127.0.0.1:28765/ari", "other", "another username or password than aribusd");
  }
}

TEST_CASE("the doctor finds what Asterisk has not read", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    const std::string config = clinic.config();
    for (const auto& [file, reload] :
         {std::pair("http.conf", reload_http), std::pair("ari.conf", reload_ari)}) {
      const std::string expected = std::string(file) + " was changed at ";
      {
        const Changed changed(clinic.asterisk, file, clinic.text_of(file) + "\n; changed\n",
                              "core show uptime");
        CHECK_THAT(clinic.doctor(config), ContainsSubstring(expected) &&
                                              ContainsSubstring("and Asterisk has reloaded nothing since") &&
                                              ContainsSubstring("'" + std::string(reload) + "'"));
      }
      clinic.asterisk.cli(reload);
      CHECK_THAT(clinic.doctor(config), !ContainsSubstring("was changed at"));
    }
  });
}

TEST_CASE("the doctor finds applications of the dialplan that nobody holds", "[doctor]") {
  on_each_version([](const std::string& version) {
    const Clinic clinic(version);
    const std::string config = clinic.config(), extensions = clinic.text_of("extensions.conf");
    const auto daemon = clinic.daemon(config);
    const std::string text = "[in]\nexten => 1,1,Stasis(" + clinic.app + ",a)\nexten => 2,1,Stasis(" +
                             clinic.app + "s)\n same => n,Stasis(${X})\n";
    const Changed changed(clinic.asterisk, "extensions.conf", text, "dialplan reload");
    const std::string said = clinic.doctor(config);
    CHECK_THAT(said, ContainsSubstring("the dialplan has Stasis(" + clinic.app + "s) in [in]") &&
                         ContainsSubstring("did you mean '" + clinic.app + "'?") &&
                         ContainsSubstring("nobody else holds it either") &&
                         !ContainsSubstring("extensions.conf has no Stasis"));
  });
}

}  // namespace aribus::test
