#include "cli/map_job.h"

#include <algorithm>
#include <string_view>

#include "cli/job_text.h"
#include "jobs/format/json_text.h"
#include "jobs/template.h"

namespace gorun::cli {
namespace {

bool refers_to_item(const std::string& word) {
  const auto parsed =
      jobs::parse_template(without_expressions(word), jobs::TemplateSyntax::kPlaceholders);
  return std::ranges::any_of(parsed.parts, [](const jobs::RawTemplatePart& part) {
    const auto what = part.part.what;
    return what != jobs::TemplatePart::What::kLiteral &&
           what != jobs::TemplatePart::What::kNumber && what != jobs::TemplatePart::What::kSlot;
  });
}

}  // namespace

std::string map_job_text(const MapOptions& options) {
  std::string argv;
  for (const std::string& word : options.command) {
    argv += argv.empty() ? "" : ", ";
    jobs::append_json_string(without_expressions(word), &argv);
  }
  // As xargs does.
  if (std::ranges::none_of(options.command, refers_to_item)) argv += ", \"{}\"";

  std::string out = "{\n  \"gorun\": 1,\n  \"stages\": {\n    \"lines\": {\"kind\": \"lines\"";
  if (options.null_separated) out += R"(, "delimiter": "\u0000")";
  out += "},\n    \"map\": {\"kind\": \"exec\", \"from\": {\"stage\": \"lines\", \"buffer\": ";
  out += std::to_string(kMapBuffer) + "}, \"argv\": [" + argv + "], \"workers\": ";
  out += options.workers == 0 ? "\"cpus\"" : std::to_string(options.workers);
  if (options.items > 1) out += ", \"batch\": " + std::to_string(options.items);
  // A command that fails is told of, and the others are run all the same.
  out += R"(, "on_error": "continue")";
  if (options.keep_order) {
    return out + R"(, "stdout": "bytes", "order": "input"},
    "out": {"kind": "write", "from": "map", "format": "bytes"}
  }
}
)";
  }
  if (!options.output.empty()) add_string("output", options.output, &out);
  return out + "}\n  }\n}\n";
}

}  // namespace gorun::cli
