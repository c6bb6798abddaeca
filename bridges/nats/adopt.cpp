#include "nats/adopt.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/machine.h"
#include "nats/jetstream.h"
#include "nats/state_file.h"

namespace aribus::nats {
namespace {

// The service could not write a state file owned by root.
Result<void> check_user(const std::string& state_file) {
  const std::string folder = config::folder_of(state_file);
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    Error error = system_error(folder);
    error.message += ". systemd creates it when the service starts: start the service, then adopt";
    return error;
  }
  if (::geteuid() != 0 || info.st_uid == 0) return {};
  const passwd* owner = ::getpwuid(info.st_uid);
  const std::string name = owner == nullptr ? std::to_string(info.st_uid) : owner->pw_name;
  return Error{ErrorKind::system,
               "the folder " + folder + " belongs to " + name +
                   ", who could not write a state file owned by root. Run: runuser -u " + name +
                   " -- aribus-nats --adopt",
               {}};
}

}  // namespace

Result<std::string> adopt(const Config& config) {
  if (auto fits = check_user(config.state_file); !fits) return fits.error();
  const Result<StateFile> state = StateFile::open(config.state_file);
  if (!state) return state.error();
  Result<JetStream> nats = JetStream::connect(config.nats);
  if (!nats) return nats.error();
  StreamOptions stream = config.stream;
  stream.owner = state->state().installation;
  const Result<std::string> former = nats->adopt(stream);
  if (!former) return former.error();
  if (*former == stream.owner)
    return "the stream " + stream.name + " already belongs to this installation (" + stream.owner + ")";
  return "the stream " + stream.name + " belongs to this installation (" + stream.owner +
         ") now, and no longer to " + *former +
         ". If an aribus-nats of that one still runs, stop it: it can no longer publish";
}

}  // namespace aribus::nats
