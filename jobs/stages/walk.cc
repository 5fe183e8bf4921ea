// The kind "walk": files below directories, found by several workers at once.
//
// Two stages: one names the roots, the other walks. A walker takes its newest directory first,
// which keeps its list of directories short, and hands the oldest half of the list, the largest
// trees, to siblings that have nothing to do. With "sort" there is one worker, which goes through
// each directory in order and holds one directory for each level.
//
// Order under "sort" is the byte order of the whole paths: a directory a is entered where "a/"
// stands among its siblings, so that "a-b" comes before "a/x".
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/stages/rows.h"
#include "jobs/walk/ordered_walk.h"
#include "jobs/walk/walker.h"
#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Directories a worker enters before it looks up: one costs ~10 us when cached.
constexpr std::size_t kDirectoriesAtOnce = 16;

struct PendingParcel final : Parcel {
  std::vector<PendingDirectory> directories;
};

// Puts one found path into `out`.
Flow emit_found(const Found& found, Out& out) {
  const std::string_view text = out.batch().copy(found.path);
  Item item{.text = text};
  std::array<Field, 2> fields = {{{"path", text}, {}}};
  std::size_t count = 1;
  if (found.size) {
    fields[count++] = {"size", out.batch().copy(std::to_string(*found.size)), FieldType::kNumber};
  }
  out.batch().set_fields(&item, std::span<const Field>(fields).first(count));
  return out.emit(item);
}

// Each path that could not be looked at is an item that failed.
Flow fail_on_errors(const std::vector<SystemError>& errors, Context& context) {
  Flow flow = Flow::kMore;
  for (const SystemError& error : errors) {
    const Item path{.text = error.subject};
    if (context.fail_item(path, failure_of(error)) == Flow::kStop) flow = Flow::kStop;
  }
  return flow;
}

class Walk final : public Operator {
 public:
  Walk(const Walker& walker, Context& context) : walker_(walker), context_(context) {}

  Flow process(Batch&& batch, Out& out) override {
    if (ParcelPtr parcel = batch.detach()) {
      directories_ = std::move(static_cast<PendingParcel&>(*parcel).directories);
    }
    for (const Item& root : batch.items()) {
      runtime::blocking(runtime::Blocking::kBrief,
                        [&] { walker_.begin(std::string(root.text), &step_); });
      if (put_step(out) == Flow::kStop) return Flow::kStop;
    }
    while (!directories_.empty()) {
      runtime::blocking(runtime::Blocking::kBrief, [&] {
        for (std::size_t i = 0; i < kDirectoriesAtOnce && !directories_.empty(); ++i) enter_one();
      });
      if (put_step(out) == Flow::kStop) return Flow::kStop;
      share();
      if (out.reader_is_idle() && out.flush() == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  void enter_one() {
    const PendingDirectory next = std::move(directories_.back());
    directories_.pop_back();
    walker_.enter(next, reader_, &step_);
    // Its children come next: the list stays as short as the path is deep.
    std::ranges::move(step_.directories, std::back_inserter(directories_));
    step_.directories.clear();
  }

  Flow put_step(Out& out) {
    std::ranges::move(step_.directories, std::back_inserter(directories_));
    Flow flow = fail_on_errors(step_.errors, context_);
    for (const Found& found : step_.found) {
      if (flow == Flow::kStop) break;
      flow = emit_found(found, out);
    }
    step_.clear();
    return context_.is_cancelled() ? Flow::kStop : flow;
  }

  void share() {
    if (directories_.size() < 2 || !context_.siblings_are_idle()) return;
    const auto half = static_cast<std::ptrdiff_t>(directories_.size() / 2);
    auto parcel = std::make_unique<PendingParcel>();
    std::move(directories_.begin(), directories_.begin() + half,
              std::back_inserter(parcel->directories));
    directories_.erase(directories_.begin(), directories_.begin() + half);
    PendingParcel* const shared = parcel.get();
    Batch batch;
    batch.attach(std::move(parcel));
    if (context_.offer(batch)) return;
    std::ranges::move(shared->directories, std::back_inserter(directories_));
  }

  const Walker& walker_;
  Context& context_;
  DirectoryReader reader_;
  WalkStep step_;
  std::vector<PendingDirectory> directories_;  // the newest last
};

class SortedWalk final : public Operator {
 public:
  SortedWalk(const Walker& walker, Context& context) : walker_(walker), context_(context) {}

  Flow process(Batch&& batch, Out& /*out*/) override {
    for (const Item& root : batch.items()) roots_.emplace_back(root.text);
    return Flow::kMore;
  }

  void finish(Out& out) override {
    OrderedWalk walk(walker_, std::move(roots_), WalkOrder::kSorted);
    WalkPiece piece;
    while (!context_.is_cancelled() && walk.next(kFoundAtOnce, &piece)) {
      for (const Found& one : piece.found) {
        if (emit_found(one, out) == Flow::kStop) return;
      }
      if (fail_on_errors(piece.errors, context_) == Flow::kStop) return;
    }
  }

 private:
  // One or two directories, usually.
  static constexpr std::size_t kFoundAtOnce = 64;

  const Walker& walker_;
  Context& context_;
  std::vector<std::string> roots_;
};

WalkOptions walk_options(const StageOptions& options, PathFilter filter, TurningDisks* disks) {
  WalkOptions walk;
  walk.disks = disks;
  walk.filter = std::move(filter);
  const std::string& type = options.text("type");
  if (type == "any") walk.type = std::nullopt;
  if (type == "directory") walk.type = FileType::kDirectory;
  if (type == "symlink") walk.type = FileType::kSymlink;
  if (options.text("symlinks") == "follow") walk.symlinks = Symlinks::kFollow;
  walk.hidden = options.flag("hidden");
  // None is negative: the table says so.
  walk.max_depth = options.find_integer("max_depth");
  walk.min_size = options.find_integer("min_size");
  walk.max_size = options.find_integer("max_size");
  walk.sizes = walk.min_size || walk.max_size;  // known then without a further system call
  return walk;
}

Expected<PathFilter, GlobError> compile_filter(const StageOptions& options) {
  const std::vector<std::string> none;
  return PathFilter::compile(options.has("include") ? options.texts("include") : none,
                             options.has("exclude") ? options.texts("exclude") : none);
}

class RootsProducer final : public Producer {
 public:
  RootsProducer(const StageOptions& options, Context& context)
      : options_(options), context_(context) {}

  void run(Out& out) override {
    if (const auto filter = compile_filter(options_); !filter.ok()) {
      static_cast<void>(
          context_.fail({FailureKind::kWork,
                         "\"" + filter.error().pattern + "\" is not a glob: " + filter.error().what,
                         {}}));
      return;
    }
    for (const std::string& root : options_.texts("root")) {
      if (out.emit(Item{.text = root}) == Flow::kStop) return;
    }
  }

 private:
  const StageOptions& options_;
  Context& context_;
};

class RootsStage final : public Stage {
 public:
  explicit RootsStage(const StageSpec& spec) : options_(spec.options) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] bool is_source() const override { return true; }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& context) override {
    return std::make_unique<RootsProducer>(options_, context);
  }

 private:
  const StageOptions& options_;
};

class WalkStage final : public Stage {
 public:
  explicit WalkStage(const StageSpec& spec)
      : workers_(spec.workers),
        is_sorted_(spec.options.flag("sort")),
        walker_(walk_options(spec.options, filter_or_nothing(spec.options), &disks_)) {}

  [[nodiscard]] StageTraits traits() const override {
    return {.workers = is_sorted_ ? 1 : workers_, .batch_items = 1, .feeds_itself = !is_sorted_};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    if (is_sorted_) return std::make_unique<SortedWalk>(walker_, context);
    return std::make_unique<Walk>(walker_, context);
  }

 private:
  // Patterns that are none are reported by RootsProducer, which then sends no root.
  static PathFilter filter_or_nothing(const StageOptions& options) {
    auto filter = compile_filter(options);
    return filter.ok() ? std::move(filter).value() : PathFilter();
  }

  const int workers_;
  const bool is_sorted_;
  TurningDisks disks_{std::nullopt};  // for the order of inodes; nobody queues
  const Walker walker_;
};

}  // namespace

StageRow make_walk(const StageSpec& spec) {
  return row_of(std::make_unique<RootsStage>(spec), std::make_unique<WalkStage>(spec));
}

}  // namespace gorun::jobs
