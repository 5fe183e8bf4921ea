// jobs/read_cuts.h - what a "read" cuts between is what the "split" behind it looks for.
//
// A chunk that ends inside a quoted field or a JSON document is of no use, so whoever splits by csv
// or json decides how the stage in front of it reads, unless that says "cut" itself. Where all
// split by words, chunks end at white space, and a line may be longer than memory. Chunks that were
// cut for such a split carry what only it understands (jobs/records/chunk_origin.h), so nobody else
// may read them; and chunks that come to it some other way were cut at lines, so that their first
// line would pass for that of a file: that is an error, too.
#pragma once

#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/graph.h"
#include "jobs/job_file.h"

namespace gorun::jobs {

/// Sets "cut" and "separator" of the stages that read files; blames the edges that do not fit.
void settle_cuts(const std::vector<Edge>& edges, std::vector<StageDecl>* stages,
                 Diagnostics* errors);

}  // namespace gorun::jobs
