// FloatLog1p gives ln(1 + x) with the rounding errors of numpy's vectorised float32 log1p, for rule
// `cell-eval`, whose rank test depends on which logarithms are equal.
#pragma once

namespace unlasting::evaluate::rules {

// `x` is finite and 0 or more. Two units in the last place of the exact value at most. Equal to
// numpy's with AVX-512 for all but about 2 in 10,000 values, from which it differs by one unit;
// numpy without AVX-512 takes the C library's log1pf, which rounds otherwise.
float FloatLog1p(float x);

}  // namespace unlasting::evaluate::rules
