// The kind "glob": the files that match patterns, in byte order and none twice.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "jobs/stages/rows.h"
#include "jobs/walk/expand_glob.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

class GlobProducer final : public Producer {
 public:
  GlobProducer(const StageOptions& options, Context& context)
      : options_(options), context_(context) {}

  void run(Out& out) override {
    std::vector<std::string> paths;
    const std::vector<std::string> none;
    const auto exclude =
        PathGlobList::compile(options_.has("exclude") ? options_.texts("exclude") : none);
    if (!exclude.ok()) {
      static_cast<void>(fail_pattern(exclude.error()));
      return;
    }
    for (const std::string& pattern : options_.texts("pattern")) {
      if (expand(pattern, *exclude, &paths) == Flow::kStop) return;
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    for (const std::string& path : paths) {
      const std::string_view text = out.batch().copy(path);
      Item item{.text = text};
      const std::array<Field, 1> fields = {{{"path", text}}};
      out.batch().set_fields(&item, fields);
      if (out.emit(item) == Flow::kStop) return;
    }
  }

 private:
  Flow fail_pattern(const GlobError& error) {
    return context_.fail(
        {FailureKind::kWork, "\"" + error.pattern + "\" is not a glob: " + error.what, {}});
  }

  Flow expand(const std::string& pattern, const PathGlobList& exclude,
              std::vector<std::string>* paths) {
    auto found = runtime::blocking(runtime::Blocking::kBrief, [&] {
      return expand_glob(pattern, GlobTargets::kFiles, exclude);
    });
    if (!found.ok()) return fail_pattern(found.error());
    for (const SystemError& error : found->errors) {
      return context_.fail({FailureKind::kWork, error.message(), {}});
    }
    std::ranges::move(found->paths, std::back_inserter(*paths));
    return Flow::kMore;
  }

  const StageOptions& options_;
  Context& context_;
};

class GlobStage final : public Stage {
 public:
  explicit GlobStage(const StageSpec& spec) : options_(spec.options) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] bool is_source() const override { return true; }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& context) override {
    return std::make_unique<GlobProducer>(options_, context);
  }

 private:
  const StageOptions& options_;
};

}  // namespace

StageRow make_glob(const StageSpec& spec) { return row_of(std::make_unique<GlobStage>(spec)); }

}  // namespace gorun::jobs
