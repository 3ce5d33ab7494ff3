// What goes wrong, as one class that carries what the server says of it.

import { status } from "@grpc/grpc-js";

import { decoderOf } from "./messages.js";

const names = Object.fromEntries(Object.entries(status).map(([name, code]) => [code, name]));

/** An error of a call; see index.d.ts. */
export class UnlastingError extends Error {
  constructor(message, { code = "UNKNOWN", reason = "", violations = [], retryAfter = 0,
                         metadata = {}, requestId = "", cause = undefined } = {}) {
    super(message, { cause });
    this.name = "UnlastingError";
    this.code = code;
    this.reason = reason;
    this.violations = violations;
    this.retryAfter = retryAfter;
    this.metadata = metadata;
    this.requestId = requestId;
  }
}

const decodeStatus = decoderOf("google.rpc.Status");
const decoders = {
  "google.rpc.ErrorInfo": decoderOf("google.rpc.ErrorInfo"),
  "google.rpc.BadRequest": decoderOf("google.rpc.BadRequest"),
  "google.rpc.RetryInfo": decoderOf("google.rpc.RetryInfo"),
};

// What a newer server or a proxy puts into the details must not hide the error itself.
function detailsOf(bytes) {
  const found = {};
  try {
    for (const detail of decodeStatus(bytes).details) {
      // proto-loader unwraps an Any of a type that it knows, by its name.
      const kind = (detail.typeUrl ?? detail["@type"] ?? "").split("/").pop();
      if (!(kind in decoders)) continue;
      const message = detail.value === undefined ? detail : decoders[kind](detail.value);
      if (kind.endsWith("ErrorInfo")) {
        found.reason = message.reason;
        found.metadata = { ...message.metadata };
      } else if (kind.endsWith("BadRequest")) {
        found.violations = message.fieldViolations.map(
          ({ field, description, reason }) => ({ field, description, reason: reason ?? "" }));
      } else {
        found.retryAfter = Number(message.retryDelay.seconds) + message.retryDelay.nanos * 1e-9;
      }
    }
  } catch {
    return {};
  }
  return found;
}

/** The UnlastingError of a ServiceError of grpc-js. */
export function fromServiceError(error) {
  if (error instanceof UnlastingError || typeof error.code !== "number") return error;
  const trailer = (key) => error.metadata?.get(key)?.[0];
  const details = trailer("grpc-status-details-bin");
  return new UnlastingError(error.details || error.message, {
    code: names[error.code] ?? String(error.code),
    requestId: String(trailer("x-request-id") ?? ""),
    cause: error,
    ...(details === undefined ? {} : detailsOf(details)),
  });
}
