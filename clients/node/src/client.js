// The client: see index.d.ts for what each call takes and returns.

import { setTimeout as sleep } from "node:timers/promises";

import { credentials, Metadata } from "@grpc/grpc-js";

import { fromServiceError, UnlastingError } from "./errors.js";
import { decodeMatrix } from "./matrix.js";
import { Health, ModelService, PredictionService } from "./messages.js";
import { defaultPolicy, mayPass, waitBeforeRetry } from "./retry.js";

const channelOptions = {
  "grpc.max_receive_message_length": -1, // the server bounds what it sends
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 5000,
  "grpc.keepalive_time_ms": 60000,
  "grpc.keepalive_timeout_ms": 20000,
};

function checkAddress(address) {
  if (/^(unix|dns|ipv4|ipv6):/.test(address) || /^(\[[^\]]+\]|[^:/]+):\d+$/.test(address)) return;
  throw new UnlastingError(`address: found '${address}', expected HOST:PORT or unix:PATH`,
    { code: "INVALID_ARGUMENT", reason: "INVALID_OPTION" });
}

const now = () => performance.now() / 1000;

export class Client {
  #services;
  #metadata;
  #policy;

  constructor(address = "127.0.0.1:50051", { token = "", tls = undefined, retry = {}, metadata = {},
                                             options = {} } = {}) {
    checkAddress(address);
    const secure = tls === undefined ? credentials.createInsecure()
      : credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
    this.#metadata = { ...metadata, ...(token ? { authorization: `Bearer ${token}` } : {}) };
    this.#policy = { ...defaultPolicy, ...retry };
    const all = { ...channelOptions, ...options };
    this.#services = [PredictionService, ModelService, Health].map(
      (Service) => new Service(address, secure, all));
  }

  close() {
    for (const service of this.#services) service.close();
  }

  async *predict(request, { timeout = undefined, signal = undefined } = {}) {
    const deadline = timeout === undefined ? Infinity : now() + timeout;
    let started = false;
    for (const tries = new Tries(this.#policy, deadline); ;) {
      try {
        for await (const part of this.#parts(request, deadline, signal)) {
          started = true;
          yield part;
        }
        return;
      } catch (error) {
        // What was handed out cannot be taken back: predictAll starts again where this ends.
        if (started) throw error;
        await tries.next(error, signal);
      }
    }
  }

  async predictAll(request, { timeout = undefined, signal = undefined, onProgress = () => {} } = {}) {
    const deadline = timeout === undefined ? Infinity : now() + timeout;
    for (const tries = new Tries(this.#policy, deadline); ;) {
      try {
        const whole = { header: undefined, profiles: [], summaries: [], finished: undefined };
        for await (const part of this.#parts(request, deadline, signal)) {
          tries.arrived();
          if (part.progress) onProgress(part.progress);
          collect(whole, part);
        }
        return whole;
      } catch (error) {
        await tries.next(error, signal);
      }
    }
  }

  async models() {
    return (await this.#unary(this.#services[1], "listModels", {})).models;
  }

  async model(name = "", version = "") {
    return (await this.#unary(this.#services[1], "getModel", { model: name, version })).model;
  }

  async health(service = "") {
    return (await this.#unary(this.#services[2], "check", { service })).status;
  }

  #call(deadline) {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(this.#metadata)) metadata.set(key, value);
    return [metadata, deadline === Infinity ? {}
      : { deadline: new Date(Date.now() + 1000 * Math.max(deadline - now(), 0.001)) }];
  }

  async #unary(service, method, request) {
    for (const tries = new Tries(this.#policy, Infinity); ;) {
      try {
        return await new Promise((resolve, reject) => {
          service[method](request, ...this.#call(Infinity),
            (error, response) => (error ? reject(fromServiceError(error)) : resolve(response)));
        });
      } catch (error) {
        await tries.next(error);
      }
    }
  }

  async *#parts(request, deadline, signal) {
    signal?.throwIfAborted();
    const call = this.#services[0].predict(request, ...this.#call(deadline));
    const stop = () => call.cancel();
    signal?.addEventListener("abort", stop);
    let finished = false;
    try {
      for await (const message of call) {
        finished ||= message.part === "finished";
        const part = { [message.part]: message[message.part] };
        if (part.profiles) part.profiles = { ...part.profiles, values: decodeMatrix(part.profiles.matrix) };
        if (message.part) yield part; // none: a part that this version does not know
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw fromServiceError(error);
    } finally {
      signal?.removeEventListener("abort", stop);
      call.cancel(); // nothing where it is over; a loop that was left ends the call in the server
    }
    if (!finished) {
      throw new UnlastingError("the response ended before its last message", { code: "DATA_LOSS" });
    }
  }
}

/** Counts failures of one operation and waits between its tries. */
class Tries {
  #failures = 0;
  #last = now();

  constructor(policy, deadline) {
    this.policy = policy;
    this.deadline = deadline;
  }

  arrived() {
    this.#failures = 0;
    this.#last = now();
  }

  /** Waits for the next try, or throws the error where there is none. */
  async next(error, signal) {
    if (!(error instanceof UnlastingError) || !mayPass(error)) throw error;
    if (now() - this.#last >= this.policy.giveUp) throw error;
    const wait = waitBeforeRetry(this.policy, ++this.#failures, error.retryAfter, Math.random());
    if (now() + wait >= this.deadline) throw error;
    await sleep(1000 * wait, undefined, { signal });
  }
}

function collect(whole, part) {
  if (part.header) {
    whole.header = { ...part.header, perturbations: [...part.header.perturbations] };
  } else if (part.perturbations) {
    whole.header.perturbations.push(...part.perturbations.perturbations);
  } else if (part.profiles) {
    const { perturbationIndices, controlIndices, matrix, values } = part.profiles;
    const cells = whole.header.controls.cellTypeIndices.length;
    perturbationIndices.forEach((perturbation, row) => {
      whole.profiles[perturbation] ??= new Float32Array(cells * matrix.columns);
      whole.profiles[perturbation].set(
        values.subarray(row * matrix.columns, (row + 1) * matrix.columns),
        controlIndices[row] * matrix.columns);
    });
  } else if (part.summary) {
    whole.summaries[part.summary.perturbationIndex] = part.summary;
  } else if (part.finished) {
    whole.finished = part.finished;
  }
}
