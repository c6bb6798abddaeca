#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/groups_view.h"
#include "cli/output.h"
#include "cli/requests.h"

namespace aribus::cli {
namespace {

std::string params_for(const std::string& group) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "group", group);
    writer.EndObject();
  });
}

int groups(const Arguments& arguments) {
  if (arguments.words.size() > 2) return misuse("groups", "one group is expected, or none for all");
  const std::string name = arguments.words.size() == 2 ? arguments.words[1] : "";
  Result<client::Connection> client = arguments.connect();
  if (!client) return fail(client.error());
  const Result<Json> answer = look_over(*client, "group.list", name.empty() ? "{}" : params_for(name));
  if (!answer) return fail(answer.error());
  if (const auto good = check_groups(*answer); !good) return fail(good.error());
  if (!name.empty() && find(*answer, "groups")->Empty()) {
    return fail(Error{ErrorKind::internal,
                      "there is no group '" + name + "', or the access rule does not show its applications",
                      {}});
  }
  if (!arguments.for_people()) {
    out().json_document(*answer);
    return done;
  }
  for (const Text& line : groups_lines(*answer, wall_now(), text_columns())) out().line(line);
  return done;
}

}  // namespace

Command groups_command() {
  return {"groups",
          "[NAME]",
          "shows the worker groups: their members, and who owns which call",
          "NAME is one group; without it all are shown. A readable text on a terminal, JSON in a pipe. A "
          "member is "
          "'away' while it may reconnect, 'leaving' while it finishes its calls, and 'suspended' while it "
          "does not "
          "answer offers; these get no offers. FOR is the time since the call entered the application. Calls "
          "that "
          "wait for a member come first; of very many, the first 1,000 are shown.",
          {{"json", "", "JSON on a terminal as well"}, {"text", "", "a readable text in a pipe as well"}},
          groups};
}

}  // namespace aribus::cli
