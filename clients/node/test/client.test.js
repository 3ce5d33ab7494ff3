// The client against a live server on a small bundle.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createInterface } from "node:readline";

import { Client, decodeMatrix, encodeMatrix, UnlastingError } from "../src/index.js";
import { mayPass, waitBeforeRetry } from "../src/retry.js";

const bin = process.env.UNLASTING_BIN;
const folder = mkdtempSync(join(tmpdir(), "unlasting-"));
const bundle = join(folder, "tiny");
const genes = Array.from({ length: 24 }, (_, k) => `G${k}`);
let server;
let client;

async function serve(listen = "127.0.0.1:0") {
  const child = spawn(join(bin, "unlasting-server"), ["--bundle", bundle, "--listen", listen,
    "--admin-listen", "127.0.0.1:0", "--log-format", "json", "--device", "cpu", "--threads", "1"],
    { stdio: ["ignore", "ignore", "pipe"] });
  for await (const line of createInterface({ input: child.stderr })) {
    const event = JSON.parse(line);
    if (event.event !== "listening") continue;
    child.stderr.resume();
    return { address: `127.0.0.1:${event.port}`, stop: () => new Promise((done) => {
      child.once("exit", done);
      child.kill("SIGTERM");
    }) };
  }
  throw new Error("the server ended");
}

function request(...perturbations) {
  const values = Float32Array.from({ length: 30 * 24 }, (_, k) => (k * 7919) % 6);
  return {
    cells: { matrix: encodeMatrix(30, 24, values), genes: { names: genes },
             valueKind: "VALUE_KIND_COUNTS", cellTypes: ["T0"] },
    perturbations: perturbations.map((names) => ({ genes: { genes: names } })),
  };
}

before(async () => {
  execFileSync(join(bin, "write_tiny_bundle"), [bundle, "tiny"]);
  server = await serve();
  client = new Client(server.address);
});

after(async () => {
  client.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

test("parts come as an iterator, and together they are the whole", async () => {
  const kinds = [];
  let rows = 0;
  for await (const part of client.predict(request(["G1"], ["G2", "G3"]))) {
    kinds.push(Object.keys(part)[0]);
    if (part.profiles) rows += part.profiles.matrix.rows;
  }
  assert.equal(kinds[0], "header");
  assert.equal(kinds.at(-1), "finished");
  assert.equal(rows, 60);
  const whole = await client.predictAll(request(["G1"], ["G2", "G3"]));
  assert.deepEqual(whole.header.perturbations.map(({ label }) => label), ["G1", "G2+G3"]);
  assert.equal(whole.profiles.length, 2);
  whole.summaries.forEach((summary, k) => {
    const mean = genes.map((_, g) => {
      let sum = 0;
      for (let cell = 0; cell < 30; ++cell) sum += whole.profiles[k][24 * cell + g];
      return sum / 30;
    });
    mean.forEach((value, g) => assert.ok(Math.abs(value - summary.mean[g]) < 1e-5));
  });
});

test("a knockout and a drug are predicted for the model's own cells", async () => {
  const whole = await client.predictAll({
    panel: { cellType: "T1", cells: 20, seed: 3 },
    perturbations: [{ genes: { genes: ["G1"] } }, { molecule: {
      smiles: "CC(=O)Oc1ccccc1C(=O)O", dose: { value: 200, unit: "DOSE_UNIT_NANOMOLAR" } } }],
  });
  assert.equal(whole.finished.rows, 40);
  assert.ok(Math.abs(whole.header.perturbations[1].doseMicromolar - 0.2) < 1e-12);
});

test("errors carry the reason and every bad field", async () => {
  await assert.rejects(client.predictAll(request(["NOSUCH"], ["G1"], ["NEITHER"])), (error) => {
    assert.ok(error instanceof UnlastingError);
    assert.equal(error.code, "NOT_FOUND");
    assert.equal(error.reason, "UNKNOWN_GENE");
    assert.equal(error.violations.length, 2);
    assert.match(error.violations[0].field, /^perturbations\[0\]/);
    assert.equal(error.violations[0].reason, "UNKNOWN_GENE");
    assert.notEqual(error.requestId, "");
    return true;
  });
  await assert.rejects(client.model("nowhere"), { reason: "UNKNOWN_MODEL" });
  await assert.rejects(client.predictAll({ ...request(["G1"]), cells: { ...request(["G1"]).cells,
    matrix: encodeMatrix(1, 24, new Float32Array(24).fill(NaN)) } }), { code: "INVALID_ARGUMENT" });
});

test("models and health are told", async () => {
  assert.deepEqual((await client.models()).map(({ name }) => name), ["tiny"]);
  assert.equal((await client.model()).genes.length, 24);
  assert.equal(await client.health(), "SERVING");
});

test("a call ends at its timeout, by its signal, and where its loop is left", async () => {
  const many = request(...Array(3000).fill(["G1"]));
  await assert.rejects(client.predictAll(many, { timeout: 0.05 }), { code: "DEADLINE_EXCEEDED" });
  await assert.rejects(client.predictAll(many, { signal: AbortSignal.abort() }),
    { name: "AbortError" });
  const controller = new AbortController();
  await assert.rejects(async () => {
    for await (const part of client.predict(many, { signal: controller.signal })) {
      if (part.header) controller.abort();
    }
  }, { name: "AbortError" });
  for await (const part of client.predict(many)) {
    if (part.header) break;
  }
  assert.equal(await client.health(), "SERVING");
});

test("a server that comes late is waited for, and an absent one is given up", async () => {
  const other = await serve();
  await other.stop();
  const once = new Client(other.address, { retry: { giveUp: 0 } });
  await assert.rejects(once.models(), { code: "UNAVAILABLE" });
  once.close();
  const patient = new Client(other.address);
  const found = patient.models();
  const late = await serve(other.address);
  assert.equal((await found)[0].name, "tiny");
  patient.close();
  await late.stop();
});

test("what may pass is tried again after the time that the server names", () => {
  const of = (code, more = {}) => new UnlastingError("x", { code, ...more });
  for (const error of [of("NOT_FOUND"), of("RESOURCE_EXHAUSTED"), of("INTERNAL", { reason: "A" })]) {
    assert.equal(mayPass(error), false);
  }
  assert.ok(mayPass(of("RESOURCE_EXHAUSTED", { retryAfter: 1 })));
  const policy = { first: 0.2, longest: 30, factor: 2 };
  assert.equal(waitBeforeRetry(policy, 1, 7, 0), 7);
  assert.equal(waitBeforeRetry(policy, 40, 0, 1), 30);
});

test("matrices are read in every encoding, and refused where they do not fit", () => {
  assert.deepEqual([...decodeMatrix({ rows: 1, columns: 2, encoding: "packed",
    packed: { values: [1, 2] } })], [1, 2]);
  assert.deepEqual([...decodeMatrix({ rows: 2, columns: 2, encoding: "sparse",
    sparse: { rowOffsets: [0, 1, 2], columnIndices: [1, 0], values: [5, 6] } })], [0, 5, 6, 0]);
  const raw = (elementType, data) => decodeMatrix(
    { rows: 1, columns: 1, encoding: "raw", raw: { elementType, data } });
  assert.equal(raw("ELEMENT_TYPE_FLOAT16", Buffer.from([0x00, 0x3e]))[0], 1.5);
  assert.equal(raw("ELEMENT_TYPE_BFLOAT16", Buffer.from([0xc0, 0x3f]))[0], 1.5);
  assert.throws(() => raw("ELEMENT_TYPE_FLOAT32", Buffer.alloc(3)), { code: "DATA_LOSS" });
  assert.throws(() => encodeMatrix(2, 2, [1]), { reason: "INVALID_SHAPE" });
  assert.throws(() => new Client("http://localhost:1"), { reason: "INVALID_OPTION" });
});
