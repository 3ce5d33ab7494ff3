// DE agreement of rule `cell-eval`: how far the significant genes of the two sides, their order and
// their directions are the same.
#pragma once

#include "core/evaluate/rules/plain_errors.h"

namespace unlasting::evaluate::rules {

// Adds overlap_at_{N,50,100,200,500}, precision_at_{N,50,100,200,500}, de_nsig_counts_{real,pred},
// de_sig_genes_recall, de_direction_match, de_spearman_lfc_sig, de_spearman_sig, pr_auc and
// roc_auc.
void AddDeAgreement(const LoggedTable& truth, const LoggedTable& predicted, PlainMetrics* metrics);

}  // namespace unlasting::evaluate::rules
