// cli/cmd_hash.cc - `gorun hash`.

#include "cli/cmd_hash.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/hash_audit.h"
#include "cli/hash_check.h"
#include "cli/hash_output.h"
#include "cli/hash_progress.h"
#include "cli/progress.h"
#include "jobs/format/checksum_line.h"
#include "jobs/format/checksum_reader.h"
#include "jobs/format/json_text.h"
#include "jobs/format/quote.h"
#include "jobs/hash/digest_cache.h"
#include "jobs/hash/hash_census.h"
#include "jobs/hash/hash_meter.h"
#include "jobs/hash/hash_run.h"
#include "jobs/hash/hash_stream.h"
#include "jobs/hash/path_source.h"
#include "runtime/runtime.h"

namespace gorun::cli {
namespace {

void append_json(const std::string& name, const jobs::FileDigests& file, std::string* out) {
  jobs::JsonLine line(out);
  line.add_text("path", name);
  line.add_number("size", std::to_string(file.size));
  for (const jobs::Digest& digest : file.digests) {
    line.add_text(jobs::algorithm_name(digest.algorithm), digest.hex());
  }
  line.end();
}

std::string with_commas(const jobs::FileDigests& file) {
  std::string hexes;
  for (const jobs::Digest& digest : file.digests) {
    if (!hexes.empty()) hexes += ',';
    hexes += digest.hex();
  }
  return hexes;
}

// False: the format has no way to write this name.
bool append_file(HashFormat format, const std::string& name, const jobs::FileDigests& file,
                 std::string* out) {
  switch (format) {
    case HashFormat::kSha256sum: {
      const jobs::Digest& digest = file.digests.front();
      const auto append = digest.algorithm == jobs::Algorithm::kBlake3 ? jobs::append_b3sum_line
                                                                       : jobs::append_checksum_line;
      append(digest.hex(), name, out);
      break;
    }
    case HashFormat::kBsd:
      for (const jobs::Digest& digest : file.digests) {
        jobs::append_tagged_checksum_line(jobs::checksum_tag(digest.algorithm), digest.hex(), name,
                                          out);
      }
      break;
    case HashFormat::kHashdeep:
      return jobs::append_hashdeep_line(file.size, with_commas(file), name, out);
    case HashFormat::kJsonLines:
      append_json(name, file, out);
      break;
  }
  return true;
}

class PrintSink final : public jobs::HashSink {
 public:
  PrintSink(HashFormat format, Screen& screen, HashOutput& output)
      : format_(format), screen_(screen), output_(output) {}

  bool take(jobs::HashTask&& task) override {
    for (const jobs::SystemError& error : task.errors) complain(error.message());
    for (std::size_t i = 0; i < task.names.size(); ++i) {
      const auto& result = task.results[i];
      if (!result) continue;
      if (!result->ok()) {
        complain(result->error().message());
      } else if (!append_file(format_, task.names[i], **result, &output_.text())) {
        complain("the format has no way to write the name " +
                 jobs::quote_for_message(task.names[i]));
      }
    }
    return output_.flush_if_full();
  }

  [[nodiscard]] bool has_failed() const { return has_failed_; }

 private:
  void complain(const std::string& what) {
    has_failed_ = true;
    screen_.message("gorun: " + what + "\n");
  }

  const HashFormat format_;
  Screen& screen_;
  HashOutput& output_;
  bool has_failed_ = false;
};

ExitCode print_hashes(const Options& options, Screen& screen, const jobs::HashRunOptions& run) {
  std::vector<jobs::Algorithm> algorithms = options.hash.algorithms;
  if (algorithms.empty()) algorithms.push_back(jobs::Algorithm::kSha256);
  HashOutput output;
  if (options.hash.format == HashFormat::kHashdeep) {
    std::string columns;
    for (const jobs::Algorithm algorithm : algorithms) {
      columns.append(columns.empty() ? "" : ",").append(jobs::algorithm_name(algorithm));
    }
    jobs::append_hashdeep_header(columns, &output.text());
  }
  PrintSink sink(options.hash.format, screen, output);
  const std::vector<std::string>& paths = options.hash.paths;
  for (auto at = paths.begin(); at != paths.end();) {
    const auto stream = std::find(at, paths.end(), kStandardInput);
    if (at != stream) {
      jobs::PathSource source({at, stream}, algorithms, options.hash.order, run.disks, run.cache);
      jobs::run_hash(source, sink, run);
    }
    at = stream;
    if (at == paths.end()) break;
    jobs::HashTask task;
    task.names.emplace_back(kStandardInput);
    task.results.emplace_back(
        jobs::hash_stream(STDIN_FILENO, "(standard input)", algorithms,
                          [&](std::uint64_t bytes) { run.meter->add_bytes(bytes); }));
    run.meter->add_files(1);
    if (!sink.take(std::move(task))) break;
    ++at;
  }
  static_cast<void>(output.flush());  // status() says what came of it
  if (output.status() != ExitCode::kOk) return output.status();
  return sink.has_failed() ? ExitCode::kFailed : ExitCode::kOk;
}

// Results that go to the same terminal would be erased by what is redrawn there, and a script that
// keeps standard error wants errors.
ProgressStyle choose_style(const Options& options) {
  if (const auto style = asked_style(options)) return *style;
  const bool has_terminal = is_smart_terminal(STDERR_FILENO) && ::isatty(STDOUT_FILENO) == 0;
  return has_terminal ? ProgressStyle::kBlock : ProgressStyle::kNone;
}

// Paths can be counted ahead; what a list names, or a stream will bring, is not known before.
HashProgress::Census census_of(const Options& options) {
  const std::vector<std::string>& paths = options.hash.paths;
  if (options.hash.check || std::ranges::find(paths, kStandardInput) != paths.end()) return {};
  return [&paths](const std::atomic<bool>& stop) { return jobs::count_below(paths, stop); };
}

void say_warnings(jobs::DigestCache& cache, Screen& screen) {
  for (const std::string& warning : cache.take_warnings()) {
    screen.message("gorun: WARNING: " + warning + "\n");
  }
}

// Nothing: none is asked for, or there is a message why all is read.
std::shared_ptr<jobs::DigestCache> open_cache(const Options& options, Screen& screen) {
  if (options.hash.cache.empty()) return nullptr;
  using Trust = jobs::DigestCache::Trust;
  auto cache = jobs::DigestCache::open({options.hash.cache},
                                       options.paranoid ? Trust::kNothing : Trust::kStamps);
  if (!cache) {
    screen.message("gorun: WARNING: " + cache.error() + ": all files are read\n");
    return nullptr;
  }
  say_warnings(**cache, screen);
  return *cache;
}

}  // namespace

ExitCode cmd_hash(const Options& options, Screen& screen) {
  runtime::Runtime rt({.procs = options.procs});
  jobs::HashMeter meter(rt.procs());
  ProgressDisplay display(screen, choose_style(options));
  display.begin(std::make_unique<HashProgress>(meter, census_of(options)));
  jobs::TurningDisks disks(options.hash.rotational_workers);
  const std::shared_ptr<jobs::DigestCache> cache = open_cache(options, screen);
  const jobs::HashRunOptions run{
      .path = options.hash.sha256_path, .disks = &disks, .cache = cache.get(), .meter = &meter};
  ExitCode status = ExitCode::kInternal;
  static_cast<void>(rt.run([&] {
    if (options.hash.check) {
      status = check_hashes(options, screen, run);
    } else if (!options.hash.audit.empty()) {
      status = audit_hashes(options, screen, run);
    } else {
      status = print_hashes(options, screen, run);
    }
  }));
  if (cache) {
    cache->flush();
    say_warnings(*cache, screen);
  }
  return status;
}

}  // namespace gorun::cli
