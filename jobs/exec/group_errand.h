// jobs/exec/group_errand.h - what a command has said, printed when the turn of its item has come.
//
// With "order": "input" groups leave in the order of the items as items do (jobs/reorder.h), and
// their workers go on with other commands meanwhile.
#pragma once

#include <memory>

#include "jobs/exec/command_runner.h"
#include "jobs/exec/group_printer.h"
#include "jobs/out.h"
#include "jobs/stage.h"

namespace gorun::jobs {

/// group  of texts (GroupPrinter::held()), or in `file` (moved()). The others outlive the errand.
[[nodiscard]] std::unique_ptr<Errand> make_group_errand(GroupPrinter::Group group,
                                                        std::shared_ptr<const OutputSpool> file,
                                                        ExecShared& shared, Context& context);

}  // namespace gorun::jobs
