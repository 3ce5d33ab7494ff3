# Predicts a knockout through the gateway, one line of JSON after the other, and prints the genes that change most.
#
#   Rscript clients/predict.R http://127.0.0.1:8080 thp1 THP-1 100 STAT1
#
# Packages httr2 (0.2 or later) and jsonlite: Debian's r-cran-httr2 and r-cran-jsonlite.
library(httr2)
library(jsonlite)

given <- commandArgs(trailingOnly = TRUE)
stopifnot("usage: predict.R URL MODEL CELL_TYPE CELLS GENE" = length(given) == 5)

lines <- character()
rest <- raw()
take <- function(bytes) {
  # Chunks end anywhere; a line is whole once its end has come.
  rest <<- c(rest, bytes)
  ends <- which(rest == as.raw(10L))
  if (length(ends) > 0) {
    last <- ends[length(ends)]
    lines <<- c(lines, strsplit(rawToChar(rest[seq_len(last)]), "\n", fixed = TRUE)[[1]])
    rest <<- rest[-seq_len(last)]
  }
  TRUE
}

body <- list(
  model = given[2],
  panel = list(cell_type = given[3], cells = as.integer(given[4])),
  perturbations = list(list(genes = list(genes = list(given[5])))),
  options = list(encoding = "MATRIX_ENCODING_RAW_FLOAT32")
)
response <- request(given[1]) |>
  req_url_path("v1/predict") |>
  req_body_json(body) |>
  req_error(is_error = function(response) FALSE) |>
  req_stream(take)
if (length(rest) > 0) lines <- c(lines, rawToChar(rest))

genes <- character()
rows <- list()
ended <- FALSE
for (line in lines[nzchar(lines)]) {
  part <- fromJSON(line, simplifyVector = FALSE)
  if (!is.null(part$error)) {
    reasons <- unlist(lapply(part$error$details, function(detail) detail$reason))
    stop(part$error$message, " (", paste(reasons, collapse = ", "), ")")
  }
  part <- part$result
  if (!is.null(part$header)) genes <- unlist(part$header$genes)
  if (!is.null(part$profiles)) {
    matrix <- part$profiles$matrix
    size <- as.integer(matrix$rows) * as.integer(matrix$columns)
    values <- readBin(base64_dec(matrix$raw$data), "numeric", size, 4, endian = "little")
    cells <- matrix(values, as.integer(matrix$rows), byrow = TRUE)
    for (k in seq_len(nrow(cells))) rows[[unlist(part$profiles$control_indices)[k] + 1]] <- cells[k, ]
  }
  if (!is.null(part$summary)) summary <- part$summary
  if (!is.null(part$finished)) ended <- TRUE
}
stopifnot("the response ended before its last message" = ended)
predicted <- do.call(rbind, rows)
colnames(predicted) <- genes
cat(nrow(predicted), "cells of", ncol(predicted), "genes\n")
cat("sum of all values:", format(sum(predicted), digits = 15), "\n")
top <- do.call(rbind, lapply(summary$ranked_genes[1:min(5, length(summary$ranked_genes))], as.data.frame))
print(top)
