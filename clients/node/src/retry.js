// Which failures pass by themselves, and how long to wait before the next try.

/** Whether the same call may do well later. What the server says of the request itself stays true. */
export function mayPass(error) {
  switch (error.code) {
    case "UNAVAILABLE":
    case "ABORTED":
    case "DATA_LOSS":
      return true;
    case "RESOURCE_EXHAUSTED":
      return error.retryAfter > 0;
    case "INTERNAL":
    case "UNKNOWN":
      // With a reason they are the server's word; without one, a broken connection's.
      return error.reason === "";
    default:
      return false;
  }
}

/**
 * Seconds before try number `failures` + 1: growing, drawn from its upper half by `draw` in [0, 1) so
 * that clients do not come back together, and never shorter than the server asks.
 */
export function waitBeforeRetry(policy, failures, serversDelay, draw) {
  const grown = Math.min(policy.longest, policy.first * policy.factor ** Math.min(failures - 1, 60));
  return Math.max(grown * (0.5 + 0.5 * draw), serversDelay);
}

/** Times in seconds; `giveUp`: how long nothing may arrive before it is given up, 0 tries once. */
export const defaultPolicy = { first: 0.2, longest: 30, factor: 2, giveUp: 600 };
