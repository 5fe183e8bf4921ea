// The kind "verify": checks files against the digests that their items carry.
//
// Every item goes on with the field "result": OK, FAILED (the digest is another one), MISSING,
// UNREADABLE, and with "audit_root" ADDED for files that no item named. To make a job fail on
// these is the sink's part ("fail_if_any" of write): it comes after everything is written, while a
// failure here would keep the rest from being checked.
//
// Two stages: the first hashes, side by side; the second is there with "audit_root" only, remembers
// the paths that pass, and looks for others at the end. Where items were lost on their way, or not
// begun with, nobody knows what they named: then nothing is called ADDED.
#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "jobs/hash/audit.h"
#include "jobs/hash/hash_worker.h"
#include "jobs/stages/rows.h"
#include "jobs/walk/ordered_walk.h"

namespace gorun::jobs {
namespace {

// What an item expects of its file; no algorithms: nothing.
struct WantedDigests {
  std::vector<Algorithm> algorithms;
  std::vector<std::string_view> digests;
};

WantedDigests expected_of(const Item& item) {
  WantedDigests all;
  const Field* digest = item.find("digest");
  const Field* algorithm = item.find("algorithm");
  if (digest != nullptr && algorithm != nullptr) {
    if (const auto known = find_algorithm(algorithm->value)) {
      all.algorithms.push_back(*known);
      all.digests.push_back(digest->value);
    }
    return all;
  }
  for (const Field& field : item.all_fields()) {
    const auto known = find_algorithm(field.name);
    if (!known) continue;
    all.algorithms.push_back(*known);
    all.digests.push_back(field.value);
  }
  return all;
}

// Digests are compared as numbers: a manifest may have them in capital letters.
bool is_same_hex(std::string_view wanted, std::string_view hex) {
  return std::ranges::equal(wanted, hex, [](char a, char b) {
    return (a >= 'A' && a <= 'F' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  });
}

class Verify final : public Operator, private HashObserver {
 public:
  Verify(const StageOptions& options, TurningDisks* disks, Context& context)
      : context_(context),
        disks_(disks),
        leaves_out_missing_(options.text("missing") == "ignore") {}

  Flow process(Batch&& batch, Out& out) override {
    batch_ = &batch;
    verdicts_.assign(batch.size(), {});
    expected_.clear();
    for (const Item& item : batch.items()) expected_.push_back(expected_of(item));
    // Neighbours with the same algorithms are hashed together.
    for (begin_ = 0; begin_ < batch.size();) {
      std::size_t end = begin_ + 1;
      while (end < batch.size() && expected_[end].algorithms == expected_[begin_].algorithms) ++end;
      if (verify(end) == Flow::kStop) return Flow::kStop;
      begin_ = end;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (verdicts_[i].empty()) continue;
      Item item = batch.items()[i];
      const std::array<Field, 1> result = {{{"result", verdicts_[i]}}};
      batch.set_fields(&item, result);
      batch.items()[kept++] = item;
    }
    batch.truncate(kept);
    return out.send(std::move(batch));
  }

 private:
  // Items [begin_, end).
  Flow verify(std::size_t end) {
    if (expected_[begin_].algorithms.empty()) {
      for (std::size_t i = begin_; i < end; ++i) {
        const Failure failure{
            FailureKind::kWork, "the item has no digest of a known algorithm", {}};
        if (context_.fail_item(batch_->items()[i], failure) == Flow::kStop) return Flow::kStop;
      }
      return Flow::kMore;
    }
    names_.clear();
    for (std::size_t i = begin_; i < end; ++i) {
      const Field* path = batch_->items()[i].find("path");
      names_.push_back(path == nullptr ? batch_->items()[i].text : path->value);
    }
    const std::vector<Algorithm>& algorithms = expected_[begin_].algorithms;
    auto worker = workers_.find(algorithms);
    if (worker == workers_.end()) {
      worker =
          workers_
              .emplace(algorithms, std::make_unique<HashWorker>(algorithms, Sha256Path::kAuto,
                                                                context_.procs(), disks_, nullptr))
              .first;
    }
    return worker->second->hash(names_, *this) ? Flow::kMore : Flow::kStop;
  }

  std::size_t give_away(std::size_t /*untouched*/) override { return 0; }
  bool on_bytes(std::uint64_t bytes) override {
    context_.count_bytes(bytes);
    return !context_.is_cancelled();
  }
  bool on_result(std::size_t index, HashResult&& result) override {
    std::string_view& verdict = verdicts_[begin_ + index];
    if (!result.ok()) {
      const bool is_missing = result.error().reason == HashFileError::Reason::kSystem &&
                              result.error().system.error_number == ENOENT;
      if (is_missing) {
        verdict = leaves_out_missing_ ? "" : "MISSING";
      } else {
        verdict = "UNREADABLE";
      }
      return true;
    }
    const WantedDigests& expected = expected_[begin_ + index];
    bool is_same = true;
    for (std::size_t i = 0; i < expected.digests.size(); ++i) {
      is_same = is_same && is_same_hex(expected.digests[i], result->digests[i].hex());
    }
    verdict = is_same ? "OK" : "FAILED";
    return true;
  }

  Context& context_;
  TurningDisks* const disks_;
  const bool leaves_out_missing_;
  std::map<std::vector<Algorithm>, std::unique_ptr<HashWorker>> workers_;
  Batch* batch_ = nullptr;
  std::size_t begin_ = 0;                   // of the items that are being hashed
  std::vector<WantedDigests> expected_;     // by the items of the batch
  std::vector<std::string_view> verdicts_;  // by the items of the batch; empty: left out
  std::vector<std::string_view> names_;
};

class VerifyStage final : public Stage {
 public:
  explicit VerifyStage(const StageSpec& spec)
      : spec_(spec), disks_(spec.options.find_integer("rotational_workers")) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = spec_.workers, .batch_items = kHashNamesAtOnce};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Verify>(spec_.options, &disks_, context);
  }

 private:
  const StageSpec& spec_;
  TurningDisks disks_;
};

// Passes items on, and then files that were not among them.
class FindAdded final : public Operator {
 public:
  FindAdded(const std::vector<std::string>& roots, Context& context)
      : roots_(roots), context_(context) {}

  Flow process(Batch&& batch, Out& out) override {
    for (const Item& item : batch.items()) {
      const Field* path = item.find("path");
      named_.insert(comparable_path(path == nullptr ? item.text : path->value));
    }
    return out.send(std::move(batch));
  }

  void finish(Out& out) override {
    // A run that was cut short is no success anyway.
    if (context_.input_state() == InputState::kCutShort) return;
    if (context_.input_state() == InputState::kItemsLost) {
      const Failure failure{
          FailureKind::kWork, "what was added cannot be told: items that failed may name it", {}};
      static_cast<void>(context_.fail_item(Item{}, failure));
      return;
    }
    const Walker walker{WalkOptions{}};
    OrderedWalk walk(walker, roots_, WalkOrder::kSorted);
    WalkPiece piece;
    while (!context_.is_cancelled() && walk.next(kFoundAtOnce, &piece)) {
      for (const Found& found : piece.found) {
        if (named_.contains(comparable_path(found.path))) continue;
        if (emit(found.path, out) == Flow::kStop) return;
      }
      for (const SystemError& error : piece.errors) {
        const Item path{.text = error.subject};
        if (context_.fail_item(path, failure_of(error)) == Flow::kStop) return;
      }
    }
  }

 private:
  // One or two directories, usually.
  static constexpr std::size_t kFoundAtOnce = 64;

  static Flow emit(const std::string& path, Out& out) {
    Item item{.text = out.batch().copy(path)};
    const std::array<Field, 2> fields = {{{"path", item.text}, {"result", "ADDED"}}};
    out.batch().set_fields(&item, fields);
    return out.emit(item);
  }

  const std::vector<std::string>& roots_;
  Context& context_;
  std::unordered_set<std::string> named_;
};

class FindAddedStage final : public Stage {
 public:
  explicit FindAddedStage(const StageSpec& spec) : roots_(spec.options.texts("audit_root")) {}
  [[nodiscard]] StageTraits traits() const override { return {}; }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<FindAdded>(roots_, context);
  }

 private:
  const std::vector<std::string>& roots_;
};

}  // namespace

StageRow make_verify(const StageSpec& spec) {
  if (!spec.options.has("audit_root")) return row_of(std::make_unique<VerifyStage>(spec));
  return row_of(std::make_unique<VerifyStage>(spec), std::make_unique<FindAddedStage>(spec));
}

}  // namespace gorun::jobs
