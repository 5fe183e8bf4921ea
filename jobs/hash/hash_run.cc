#include "jobs/hash/hash_run.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "jobs/hash/hash_worker.h"
#include "runtime/blocking.h"
#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/semaphore.h"
#include "runtime/sync.h"

namespace gorun::jobs {
namespace {

// Tasks between source and sink: 16,384 names, a few MiB with their results.
constexpr std::int64_t kTasksAhead = 256;

// A task on its way; its parts may be with several workers.
struct Running {
  std::uint64_t number = 0;
  bool is_end = false;  // no task: `number` is how many there were
  HashTask task;
  std::atomic<std::size_t> left = 0;  // names that are not done; who does the last one delivers
};
using RunningPtr = std::shared_ptr<Running>;

struct Part {
  RunningPtr running;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What all goroutines of a run share.
struct Shared {
  explicit Shared(Sha256Path path)
      : sha256_path(path),
        parts(static_cast<std::size_t>(2 * runtime::procs())),
        done(static_cast<std::size_t>(kTasksAhead) + 1),
        credits(kTasksAhead) {}

  void finish(const RunningPtr& running, std::size_t names) {
    // The last one sees what the others have written to the task.
    if (running->left.fetch_sub(names, std::memory_order_acq_rel) == names) deliver(running);
  }
  void deliver(RunningPtr running) { static_cast<void>(done.send(std::move(running))); }

  const Sha256Path sha256_path;
  runtime::Chan<Part> parts;       // closed when all tasks are through
  runtime::Chan<RunningPtr> done;  // has room for all that are on their way
  runtime::Semaphore credits;      // one a task that the sink has not had
  std::atomic<bool> stop = false;  // a hint: what is hashed in spite of it is dropped
  std::atomic<int> idle = 0;       // workers; a hint
};

void read_source(HashSource& source, Shared& shared) {
  std::uint64_t number = 0;
  while (!shared.stop.load(std::memory_order_relaxed)) {
    auto running = std::make_shared<Running>();
    bool has_more = false;
    runtime::blocking(runtime::Blocking::kBrief, [&] { has_more = source.next(&running->task); });
    if (!has_more) break;
    shared.credits.acquire();
    running->number = number++;
    const std::size_t count = running->task.names.size();
    running->task.results.resize(count);
    running->left.store(count, std::memory_order_relaxed);  // published by the send
    if (count == 0) {
      shared.deliver(std::move(running));
    } else {
      static_cast<void>(shared.parts.send(Part{std::move(running), 0, count}));
    }
  }
  auto end = std::make_shared<Running>();
  end->number = number;
  end->is_end = true;
  shared.deliver(std::move(end));
}

class Worker final : private HashObserver {
 public:
  explicit Worker(Shared& shared) : shared_(shared) {}

  void run() {
    while (true) {
      shared_.idle.fetch_add(1, std::memory_order_relaxed);
      auto received = shared_.parts.recv();
      shared_.idle.fetch_sub(1, std::memory_order_relaxed);
      if (!received.value) return;
      hash(*std::move(received.value));
    }
  }

 private:
  void hash(Part part) {
    part_ = std::move(part);
    hashed_ = 0;
    const HashTask& task = part_.running->task;
    names_.assign(task.names.begin() + static_cast<std::ptrdiff_t>(part_.begin),
                  task.names.begin() + static_cast<std::ptrdiff_t>(part_.end));
    std::unique_ptr<HashWorker>& hasher = hashers_[task.algorithms];
    if (!hasher) {
      hasher = std::make_unique<HashWorker>(task.algorithms, shared_.sha256_path, runtime::procs());
    }
    const bool is_all = hasher->hash(names_, *this);
    const std::size_t rest = part_.end - part_.begin - hashed_;
    if (!is_all && rest > 0) shared_.finish(part_.running, rest);  // stopped: nobody looks at them
    part_ = {};
  }

  std::size_t give_away(std::size_t untouched) override {
    const std::size_t half = untouched / 2;
    if (half == 0 || shared_.idle.load(std::memory_order_relaxed) == 0) return 0;
    if (shared_.parts.try_send(Part{part_.running, part_.end - half, part_.end}) !=
        runtime::ChanStatus::kOk) {
      return 0;
    }
    part_.end -= half;
    return half;
  }

  bool on_bytes(std::uint64_t /*bytes*/) override {
    return !shared_.stop.load(std::memory_order_relaxed);
  }

  bool on_result(std::size_t index, HashResult&& result) override {
    part_.running->task.results[part_.begin + index] = std::move(result);
    ++hashed_;
    shared_.finish(part_.running, 1);
    return true;
  }

  Shared& shared_;
  std::map<std::vector<Algorithm>, std::unique_ptr<HashWorker>> hashers_;
  Part part_;               // at hand
  std::size_t hashed_ = 0;  // of it
  std::vector<std::string_view> names_;
};

// Hands tasks to the sink in their order until all are through.
void deliver(HashSink& sink, Shared& shared) {
  std::map<std::uint64_t, RunningPtr> early;
  std::optional<std::uint64_t> total;
  for (std::uint64_t next = 0; !total || next < *total;) {
    RunningPtr running = *shared.done.recv().value;
    if (running->is_end) {
      total = running->number;
      continue;
    }
    const std::uint64_t number = running->number;
    early.emplace(number, std::move(running));
    for (auto first = early.begin(); first != early.end() && first->first == next;
         first = early.erase(first), ++next) {
      const bool is_stopped = shared.stop.load(std::memory_order_relaxed);
      if (!is_stopped && !sink.take(std::move(first->second->task))) {
        shared.stop.store(true, std::memory_order_relaxed);
      }
      shared.credits.release();
    }
  }
}

}  // namespace

void run_hash(HashSource& source, HashSink& sink, const HashRunOptions& options) {
  Shared shared(options.path);
  runtime::WaitGroup group;
  group.go([&] { read_source(source, shared); });
  for (int i = 0; i < runtime::procs(); ++i) group.go([&] { Worker(shared).run(); });
  deliver(sink, shared);
  shared.parts.close();
  group.wait();
}

}  // namespace gorun::jobs
