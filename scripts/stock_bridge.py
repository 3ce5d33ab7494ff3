"""The bridge of docs/bundle.md in stock PyTorch and NumPy, for scripts that take a bundle's TorchScript
files as anybody would: nothing of this software is loaded."""
import numpy as np
import torch


def dense(matrix):
    return np.asarray(matrix.todense() if hasattr(matrix, "todense") else matrix, np.float32)


def multistep_plan(alpha_bar, times):
    """DPM-Solver++ 2M: (time, coefficient of x, of x0, of the x0 before) for each step."""
    lam = 0.5 * np.log(alpha_bar / (1 - alpha_bar))
    plan, previous_h = [], None
    for a, b in zip(times[:-1], times[1:]):
        h = lam[b] - lam[a]
        gain = -np.sqrt(alpha_bar[b]) * np.expm1(-h)
        slope = 0.0 if previous_h is None else h / (2 * previous_h)
        plan.append((a, np.sqrt((1 - alpha_bar[b]) / (1 - alpha_bar[a])), gain * (1 + slope),
                     -gain * slope))
        previous_h = h
    return plan


def log_snr_times(alpha_bar, steps):
    lam = 0.5 * np.log(alpha_bar / (1 - alpha_bar))
    share = [1 / (1 + np.exp(-2 * (lam + np.log(s)))) for s in (0.03, 0.06, 0.12, 0.25, 0.5)]
    density = 0.2 + np.mean([4 * c * (1 - c) for c in share], axis=0)
    steps_between = (lam[:-1] - lam[1:]) * 0.5 * (density[:-1] + density[1:])
    passed = np.concatenate([[0.0], np.cumsum(steps_between)])
    last, times = len(alpha_bar) - 1, [0]
    for k in range(1, steps + 1):
        target = passed[last] * k / steps
        time = times[-1] + 1
        while time < last and abs(passed[time + 1] - target) <= abs(passed[time] - target):
            time += 1
        times.append(min(time, last - (steps - k)))
    return times


def run(plan, x, denoise):
    previous = torch.zeros_like(x)
    for time, a, b, c in plan:
        x0 = denoise(x, torch.full((x.shape[0],), time, dtype=torch.int64))
        x, previous = a * x + b * x0 + c * previous, x0
    return x


def rank_mask(values, share):
    """Per gene, the top share of the cells keep their value."""
    masked, cells = values.copy(), values.shape[0]
    for gene in range(values.shape[1]):
        kept = int(np.floor(share[gene] * cells + 0.5))
        masked[np.argsort(-values[:, gene], kind="stable")[kept:], gene] = 0
    return masked
