// tests/jobs/rejected_job.h - a job file that is refused, and every byte of what is said of it.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "jobs/diagnostic.h"
#include "jobs/load.h"
#include "jobs/source.h"

namespace gorun::jobs {

struct RejectedJob {
  std::string_view name;
  std::string_view text;
  std::string_view errors;    // as render() gives them; the file is called job.json
  std::string_view settings;  // "a=1 b=2": the --set options
};

inline VarSettings settings_of(std::string_view words) {
  VarSettings settings;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    const std::size_t equals = word.find('=');
    settings.push_back({std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))});
    words.remove_prefix(std::min(word.size() + 1, words.size()));
  }
  return settings;
}

inline std::string rendered_errors(const RejectedJob& job) {
  const Source source("job.json", std::string(job.text));
  const Result<Graph> graph = load_job(source, settings_of(job.settings));
  return graph ? "(accepted)" : render(source, graph.errors());
}

}  // namespace gorun::jobs

// Those that a test file says every byte of; tests/jobs/schema_test.cc shows them to the schema.
namespace gorun::jobs::failure_keys_test {
std::span<const RejectedJob> rejected();
}
namespace gorun::jobs::json_syntax_error_test {
std::span<const RejectedJob> rejected();
}
namespace gorun::jobs::option_errors_test {
std::span<const RejectedJob> rejected();
}
namespace gorun::jobs::parse_errors_test {
std::span<const RejectedJob> rejected();
}
namespace gorun::jobs::validate_errors_test {
std::span<const RejectedJob> rejected();
}
namespace gorun::jobs::vars_errors_test {
std::span<const RejectedJob> rejected();
}
