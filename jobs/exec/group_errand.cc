#include "jobs/exec/group_errand.h"

#include <cstdint>
#include <limits>
#include <utility>

#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

class GroupErrand final : public Errand {
 public:
  GroupErrand(GroupPrinter::Group group, std::shared_ptr<const OutputSpool> file,
              ExecShared& shared, Context& context)
      : group_(std::move(group)), file_(std::move(file)), shared_(shared), context_(context) {}
  Flow run() override {
    GroupPrinter printer(context_.cancel_fd(), std::numeric_limits<std::uint64_t>::max());
    const auto error = printer.print(group_);
    if (file_) {
      runtime::blocking(runtime::Blocking::kBrief, [this] {
        for (const GroupPrinter::Said* said : {&group_.out, &group_.err}) {
          if (said->bytes > 0) file_->drop(said->begin, said->begin + said->bytes);
        }
      });
    }
    return error ? fail_to_write(*error, shared_, context_) : Flow::kMore;
  }

 private:
  const GroupPrinter::Group group_;
  const std::shared_ptr<const OutputSpool> file_;  // or nullptr
  ExecShared& shared_;
  Context& context_;
};

}  // namespace

std::unique_ptr<Errand> make_group_errand(GroupPrinter::Group group,
                                          std::shared_ptr<const OutputSpool> file,
                                          ExecShared& shared, Context& context) {
  return std::make_unique<GroupErrand>(std::move(group), std::move(file), shared, context);
}

}  // namespace gorun::jobs
