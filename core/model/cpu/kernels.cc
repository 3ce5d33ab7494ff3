#include "core/model/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/model/cpu/kernels.cc"
// foreach_target.h must come before highway.h: it includes this file once per instruction set.
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// Per-target code behind it.
#include "core/model/cpu/attend-inl.h"
#include "core/model/cpu/attend_grad-inl.h"
#include "core/model/cpu/dense-inl.h"
#include "core/model/cpu/pointwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unlasting::model::cpu::HWY_NAMESPACE {

template <typename T>
const Kernels<T>* Table() {
  static constexpr Kernels<T> kTable = {&Multiply<T>,  &Silu<T>,          &SiluGrad<T>,
                                        &LayerNorm<T>, &LayerNormGrad<T>, &AddPsi<T>,
                                        &Attend<T>,    &AttendGrad<T>,    &DotRows<T>};
  return &kTable;
}
const Kernels<float>* TableOfFloat() { return Table<float>(); }
const Kernels<double>* TableOfDouble() { return Table<double>(); }

}  // namespace unlasting::model::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unlasting::model::cpu {

HWY_EXPORT(TableOfFloat);
HWY_EXPORT(TableOfDouble);

template <>
const Kernels<float>& BestKernels<float>() {
  static const Kernels<float>& table = *HWY_DYNAMIC_DISPATCH(TableOfFloat)();
  return table;
}
template <>
const Kernels<double>& BestKernels<double>() {
  static const Kernels<double>& table = *HWY_DYNAMIC_DISPATCH(TableOfDouble)();
  return table;
}

}  // namespace unlasting::model::cpu
#endif
