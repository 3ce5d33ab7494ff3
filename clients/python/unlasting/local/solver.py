"""The ODE solvers of the bridge (core/diffusion/solver.cc): each a list of linear updates.

A step is (time, coefficient of x, of x0, of the x0 before, of noise), where x0 is what the denoiser
predicts at `time`.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from unlasting.errors import invalid

Step = tuple[int, float, float, float]
DEFAULT_STEPS = {"ddim": 50, "dpmpp2m": 10}


def _ddim_step(time: int, source: float, target: float) -> Step:
    x = np.sqrt(max(0.0, 1 - target)) / np.sqrt(1 - source)
    return time, float(x), float(np.sqrt(target) - x * np.sqrt(source)), 0.0


def _ddim(alpha_bar: np.ndarray, steps: int) -> tuple[list[Step], list[Step]]:
    stride = len(alpha_bar) // steps
    level = [float(alpha_bar[k * stride]) for k in range(steps)]
    invert = [_ddim_step(k * stride, level[k], level[k + 1] if k + 1 < steps else 0.0)
              for k in range(steps)]
    decode = [_ddim_step(k * stride, level[k], level[k - 1] if k > 0 else 1.0)
              for k in reversed(range(steps))]
    return invert, decode


def _times(alpha_bar: np.ndarray, steps: int) -> list[int]:
    lam = 0.5 * np.log(alpha_bar / (1 - alpha_bar))
    share = [1 / (1 + np.exp(-2 * (lam + np.log(s)))) for s in (0.03, 0.06, 0.12, 0.25, 0.5)]
    density = 0.2 + np.mean([4 * c * (1 - c) for c in share], axis=0)
    between = (lam[:-1] - lam[1:]) * 0.5 * (density[:-1] + density[1:])
    passed = np.concatenate([[0.0], np.cumsum(between)])
    last, times = len(alpha_bar) - 1, [0]
    for k in range(1, steps + 1):
        target = passed[last] * k / steps
        time = times[-1] + 1
        while time < last and abs(passed[time + 1] - target) <= abs(passed[time] - target):
            time += 1
        times.append(min(time, last - (steps - k)))
    return times


def _multistep(alpha_bar: np.ndarray, times: list[int]) -> list[Step]:
    lam = 0.5 * np.log(alpha_bar / (1 - alpha_bar))
    plan: list[Step] = []
    previous = 0.0
    for a, b in zip(times[:-1], times[1:]):
        h = lam[b] - lam[a]
        gain = -np.sqrt(alpha_bar[b]) * np.expm1(-h)
        slope = h / (2 * previous) if plan else 0.0
        plan.append((a, float(np.sqrt((1 - alpha_bar[b]) / (1 - alpha_bar[a]))),
                     float(gain * (1 + slope)), float(-gain * slope)))
        previous = h
    return plan


def bridge(schedule: dict[str, Any], solver: str, steps: int) -> tuple[list[Step], list[Step]]:
    """The plans of inversion and decoding."""
    betas = np.linspace(schedule["beta_first"], schedule["beta_last"], schedule["steps"])
    alpha_bar = np.cumprod(1 - betas)
    most = len(alpha_bar) - (solver != "ddim")
    if not 1 <= steps <= most:
        raise invalid("INVALID_OPTION", "solver_steps", f"found {steps}, expected 1 to {most}")
    if solver == "ddim":
        return _ddim(alpha_bar, steps)
    times = _times(alpha_bar, steps)
    return _multistep(alpha_bar, times), _multistep(alpha_bar, times[::-1])


def run(plan: list[Step], x: Any, denoise: Callable[[Any, int], Any]) -> Any:
    """Takes `x` through a plan; `denoise(x, time)` is the prediction x0."""
    previous = x * 0
    for time, a, b, c in plan:
        x0 = denoise(x, time)
        x, previous = a * x + b * x0 + c * previous, x0
    return x
