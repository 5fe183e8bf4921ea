// cli/html_page.h - a run as one page for people: how it ended, its stages, what failed, and where
// the time went.
//
// The page needs nothing but itself: no script, no font, nothing from the network. Two bars a
// stage: when it ran within the run, and what its workers did meanwhile (worked, waited for items,
// waited for a slow reader); and how full the channels
// in front of it were. Light or dark, as the reader's browser is.
#pragma once

#include <string>

#include "jobs/graph.h"
#include "jobs/outcome.h"

namespace gorun::cli {

/// The document. Secrets of the graph are masked.
[[nodiscard]] std::string html_page(const jobs::Graph& graph, const jobs::Outcome& outcome);

}  // namespace gorun::cli
